target "app" {
  output = ["type=local,dest=o"]
}
