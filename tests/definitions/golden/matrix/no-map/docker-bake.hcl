target "app" {
  name = "c"
  matrix = ["a"]
}
