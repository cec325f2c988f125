target "app" {
  tags = ["b"]
}
