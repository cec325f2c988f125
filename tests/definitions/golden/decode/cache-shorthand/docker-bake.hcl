target "app" {
  cache-from = ["a,b"]
}
