target "app" {
  context = "b"
}
