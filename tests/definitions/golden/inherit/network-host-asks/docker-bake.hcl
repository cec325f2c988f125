target "base" {
  network = "none"
}
target "app" {
  inherits = ["base"]
  network = "host"
}
