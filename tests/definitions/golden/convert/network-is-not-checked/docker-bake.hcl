target "app" {
  network = "foo"
}
