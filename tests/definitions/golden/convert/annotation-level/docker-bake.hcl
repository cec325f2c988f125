target "app" {
  annotations = ["zz:a=b"]
}
