target "app" {
  contexts = { base = "target:base" }
}
target "base" {
  tags = ["b"]
  output = ["type=docker"]
}
