target "app" {
  name = "c-${v}"
  matrix = { v = "a" }
}
