target "base" {
  args = { A = "1", B = "2" }
}
target "app" {
  inherits = ["base"]
  args = { A = null, B = "3", C = "4" }
}
