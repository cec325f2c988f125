target "base" {
  dockerfile = "old"
}
target "app" {
  inherits = ["base"]
  dockerfile = ""
}
