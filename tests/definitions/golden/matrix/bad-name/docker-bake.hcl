target "app" {
  name = "c.d"
  matrix = { v = ["1"] }
}
