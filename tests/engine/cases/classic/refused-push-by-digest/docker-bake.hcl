target "default" {
  output = ["type=image,name=x,push=true,push-by-digest=true"]
}
