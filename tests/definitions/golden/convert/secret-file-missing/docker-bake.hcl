target "app" {
  secret = ["id=x,src=nope.txt"]
}
