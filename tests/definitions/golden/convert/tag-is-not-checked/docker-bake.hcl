target "app" {
  tags = ["UPPER CASE"]
}
