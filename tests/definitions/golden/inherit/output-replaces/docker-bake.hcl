target "base" {
  output = ["type=docker"]
}
target "app" {
  inherits = ["base"]
  output = ["type=cacheonly"]
}
