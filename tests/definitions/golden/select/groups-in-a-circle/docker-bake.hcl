group "x" {
  targets = ["y", "a"]
}
group "y" {
  targets = ["x", "b"]
}
target "a" {
}
target "b" {
}
