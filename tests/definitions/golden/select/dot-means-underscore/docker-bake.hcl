target "my_app" {
  tags = ["a"]
}
