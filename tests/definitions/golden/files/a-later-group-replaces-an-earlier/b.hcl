group "default" {
  targets = ["b"]
}
target "b" {
}
