target "app" {
  secret = ["a"]
}
