target "base" {
  platforms = ["linux/amd64"]
}
target "app" {
  inherits = ["base"]
  platforms = ["linux/arm64", "linux/arm64"]
}
