target "app" {
  output = ["type=registry,name=x"]
}
