target "base" {
  cache-to = ["type=gha"]
}
target "app" {
  inherits = ["base"]
  cache-to = ["type=inline"]
}
