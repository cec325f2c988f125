target "app" {
  output = [{ dest = "x" }]
}
