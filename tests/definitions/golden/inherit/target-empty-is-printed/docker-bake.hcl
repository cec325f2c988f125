target "base" {
  target = "old"
}
target "app" {
  inherits = ["base"]
  target = ""
}
