target "app" {
  pull = 1
}
