target "base" {
  call = "check"
}
target "app" {
  inherits = ["base"]
  call = "outline"
}
