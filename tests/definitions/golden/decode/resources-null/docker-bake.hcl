target "app" {
  resources = null
}
