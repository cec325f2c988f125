target "app" {
  cache-from = [{ ref = "a" }]
}
