target "base" {
  policy = ["filename=a.rego"]
}
target "app" {
  inherits = ["base"]
  policy = ["reset=true"]
}
