target "base" {
  description = "old"
}
target "app" {
  inherits = ["base"]
  description = ""
}
