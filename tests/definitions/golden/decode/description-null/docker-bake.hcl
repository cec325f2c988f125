target "app" {
  description = null
}
