target "app" {
  name = "c"
  matrix = { v = ["1", "2"] }
}
