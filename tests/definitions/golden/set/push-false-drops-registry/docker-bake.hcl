target "app" {
  output = ["type=registry", "type=image,push=true", "type=docker"]
}
