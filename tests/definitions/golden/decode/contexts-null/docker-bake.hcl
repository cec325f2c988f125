target "app" {
  contexts = { a = null }
}
