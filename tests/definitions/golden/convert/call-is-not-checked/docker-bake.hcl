target "app" {
  call = "foo"
}
