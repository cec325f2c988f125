target "app" {
  platforms = ["linux/amd64", "", "linux/amd64"]
}
