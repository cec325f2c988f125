target "app" {
  tags = [TAG, f("x")]
}
