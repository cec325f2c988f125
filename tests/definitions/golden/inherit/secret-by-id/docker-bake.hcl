target "base" {
  secret = ["id=a,env=A", "id=b,env=B"]
}
target "app" {
  inherits = ["base"]
  secret = ["id=a,env=C"]
}
