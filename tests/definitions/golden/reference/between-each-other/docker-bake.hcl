target "app" {
  tags = target.b.tags
  context = "x"
}
target "b" {
  tags = ["b"]
  context = target.app.context
}
