target "app" {
  tags = ["a"]
  args = { A = "1" }
}
target "app" {
  args = { B = "2" }
}
