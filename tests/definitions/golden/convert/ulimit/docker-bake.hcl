target "app" {
  ulimits = ["foo"]
}
