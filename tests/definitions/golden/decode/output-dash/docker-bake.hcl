target "app" {
  output = ["-"]
}
