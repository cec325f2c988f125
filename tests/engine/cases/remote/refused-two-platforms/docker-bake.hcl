target "default" {
  dockerfile-inline = "FROM scratch\nENV A=1\n"
  platforms         = ["linux/amd64", "linux/arm64"]
  output            = ["type=docker"]
}
