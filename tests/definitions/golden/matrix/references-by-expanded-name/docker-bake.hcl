target "app" {
  name = "app-${v}"
  matrix = { v = ["1"] }
  tags = ["t${v}"]
}
target "other" {
  tags = target.app-1.tags
}
