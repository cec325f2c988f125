target "default" {
  contexts = { a = "nowhere" }
}
