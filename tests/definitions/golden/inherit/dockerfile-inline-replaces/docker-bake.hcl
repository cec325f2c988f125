target "base" {
  dockerfile-inline = "FROM a"
}
target "app" {
  inherits = ["base"]
  dockerfile-inline = "FROM b"
}
