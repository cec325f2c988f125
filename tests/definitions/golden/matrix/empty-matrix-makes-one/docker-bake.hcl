target "app" {
  matrix = {}
  tags = ["a"]
}
