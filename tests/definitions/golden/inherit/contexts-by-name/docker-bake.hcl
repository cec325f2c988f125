target "base" {
  contexts = { a = "x", b = "y" }
}
target "app" {
  inherits = ["base"]
  contexts = { b = "", c = "z" }
}
