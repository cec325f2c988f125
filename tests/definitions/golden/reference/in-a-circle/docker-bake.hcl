target "app" {
  tags = target.b.tags
}
target "b" {
  tags = target.app.tags
}
