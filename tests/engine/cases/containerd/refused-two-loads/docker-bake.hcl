target "default" {
  platforms = ["linux/amd64", "linux/arm64"]
  output = ["type=docker,dest=a.tar"]
}
