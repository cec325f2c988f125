target "app" {
  secret = ["type=env,id=X,src=Y"]
}
