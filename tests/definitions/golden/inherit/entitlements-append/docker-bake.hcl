target "base" {
  entitlements = ["network.host"]
}
target "app" {
  inherits = ["base"]
  entitlements = ["security.insecure", "network.host"]
}
