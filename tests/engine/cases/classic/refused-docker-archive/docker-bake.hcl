target "default" {
  output = ["type=docker,dest=a.tar"]
}
