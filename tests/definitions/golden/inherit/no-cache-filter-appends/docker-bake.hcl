target "base" {
  no-cache-filter = ["a"]
}
target "app" {
  inherits = ["base"]
  no-cache-filter = ["b", "a"]
}
