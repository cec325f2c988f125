target "app" {
  secret = ["src=f.txt"]
}
