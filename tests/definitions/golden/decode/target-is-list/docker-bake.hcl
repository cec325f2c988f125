target "app" {
  target = []
}
