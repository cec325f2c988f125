target "app" {
  contexts = { base = "target:base" }
}
target "base" {
  entitlements = ["network.host"]
}
