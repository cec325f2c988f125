target "app" {
  secret = ["id=a,b=c"]
}
