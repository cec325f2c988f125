target "app" {
  output = ["out"]
}
