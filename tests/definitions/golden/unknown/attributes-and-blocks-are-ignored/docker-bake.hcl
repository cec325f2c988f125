target "app" {
  nope = undefined
  tags = ["a"]
}
other "x" {
  a = undefined
}
