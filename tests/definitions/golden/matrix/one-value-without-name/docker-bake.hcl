target "app" {
  matrix = { v = ["1"] }
  tags = [v]
}
