target "app" {
  args = 1
}
