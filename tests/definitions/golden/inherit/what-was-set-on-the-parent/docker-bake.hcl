target "base" {
  args = { A = "1", B = "1" }
}
target "app" {
  inherits = ["base"]
  args = { B = "2" }
}
