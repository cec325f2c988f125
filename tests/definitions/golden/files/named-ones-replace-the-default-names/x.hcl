target "app" {
  context = "x"
}
