target "app" {
  contexts = { x = "target:nope" }
}
