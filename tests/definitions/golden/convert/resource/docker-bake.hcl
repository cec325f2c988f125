target "app" {
  resources = { memory = "x" }
}
