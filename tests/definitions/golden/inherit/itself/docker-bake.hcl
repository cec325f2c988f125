target "app" {
  inherits = ["app"]
  tags = ["a"]
}
