target "app" {
  target = 1
}
