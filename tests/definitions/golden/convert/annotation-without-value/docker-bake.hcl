target "app" {
  annotations = ["foo"]
}
