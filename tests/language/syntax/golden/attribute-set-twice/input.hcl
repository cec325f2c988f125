target "a" {
  context = "."
  context = ".."
}
