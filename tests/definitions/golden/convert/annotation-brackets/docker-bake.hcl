target "app" {
  annotations = ["index[:a=b"]
}
