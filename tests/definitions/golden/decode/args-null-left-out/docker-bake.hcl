target "app" {
  args = { A = null, B = "" }
}
