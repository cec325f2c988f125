target "base" {
  tags = ["a"]
}
target "app" {
  inherits = ["base"]
  tags = ["b"]
}
