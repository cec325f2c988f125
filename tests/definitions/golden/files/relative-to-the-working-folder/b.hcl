target "c" {
  inherits = ["app"]
}
