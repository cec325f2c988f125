target "default" {
  output = ["type=tar,dest=-", "type=tar"]
}
