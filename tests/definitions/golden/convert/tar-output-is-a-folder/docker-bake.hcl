target "app" {
  output = ["type=tar,dest=."]
}
