target "app" {
  name = "c"
}
