target "app" {
  secret = ["id=a,type=x"]
}
