target "app" {
  cache-from = ["a", "a", "b", "c"]
}
