group "x" {
  targets = ["a"]
}
target "x" {
  tags = ["t"]
}
target "a" {
}
