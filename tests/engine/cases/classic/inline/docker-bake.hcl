# dockerfile-inline, and a Dockerfile's own ignore file.
variable "OUT" {}

target "default" {
  name              = name
  matrix            = { name = ["inline", "ignoring"] }
  dockerfile        = "own/Dockerfile"
  dockerfile-inline = name == "inline" ? "FROM scratch\nCOPY files /\n" : null
  output            = ["type=local,dest=${OUT}/${name}"]
}
