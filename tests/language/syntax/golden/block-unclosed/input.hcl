target "a" {
  tags = ["x"]
