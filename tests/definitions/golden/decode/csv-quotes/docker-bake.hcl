target "app" {
  output = ["type=image,\"name=a,b\""]
}
