target "app" {
  context = ""
}
