target "app" {
  tags = target
}
