target "base" {
  pull = true
}
target "app" {
  inherits = ["base"]
  pull = false
}
