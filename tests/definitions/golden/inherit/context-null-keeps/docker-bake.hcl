target "base" {
  context = "old"
}
target "app" {
  inherits = ["base"]
  context = null
}
