target "app" {
  name = "app-${v}"
  matrix = { v = ["1", "2"] }
  tags = ["t${v}"]
}
target "other" {
  inherits = ["app-2"]
}
