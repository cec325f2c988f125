target "a" {
  args = { bar = "234" }
}
target "b" {
  inherits = ["a"]
  args = { bar = "567" }
}
target "c" {
  inherits = ["a"]
}
target "d" {
  inherits = ["b", "c"]
}
