group "default" {
  targets = ["a", "both"]
}
group "both" {
  targets = ["a", "b"]
}
target "a" {
}
target "b" {
}
