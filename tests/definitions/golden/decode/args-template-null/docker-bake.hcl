target "app" {
  args = { A = "${null}" }
}
