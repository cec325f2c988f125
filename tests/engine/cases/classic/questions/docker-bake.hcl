# call: what a frontend answers is in the metadata file, too.
target "default" {
  dockerfile-inline = "# NAME says hello\nARG NAME=world\nFROM scratch AS last\nENV A=1\n"
  call              = "outline"
}
