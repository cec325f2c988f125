target "base" {
  extra-hosts = { a = "1.1.1.1", b = "1.1.1.2" }
}
target "app" {
  inherits = ["base"]
  extra-hosts = { a = "::1" }
}
