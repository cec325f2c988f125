target "app" {
  tags = [null]
}
