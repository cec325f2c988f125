target "app" {
  output = ["type=docker,dest=o.tar"]
}
