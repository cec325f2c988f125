target "base" {
  cache-from = ["type=gha", "u/a"]
}
target "app" {
  inherits = ["base"]
  cache-from = ["type=gha", "u/b"]
}
