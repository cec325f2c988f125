target "base" {
  labels = { A = "1" }
}
target "app" {
  inherits = ["base"]
  labels = { B = "2" }
}
