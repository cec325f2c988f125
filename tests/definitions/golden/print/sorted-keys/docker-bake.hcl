target "app" {
  args = { b = "1", a = "2", B = "3" }
  output = [{ type = "image", z = "1", a = "2" }]
}
