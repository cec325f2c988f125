target "app" {
  output = null
}
