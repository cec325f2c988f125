target "base" {
  annotations = ["a=1", "b=2"]
}
target "app" {
  inherits = ["base"]
  annotations = ["b=2", "c=3"]
}
