target "app" {
  name = item.name
  matrix = { item = [{ name = "x", tag = "1" }, { name = "y", tag = "2" }] }
  tags = [item.tag]
}
