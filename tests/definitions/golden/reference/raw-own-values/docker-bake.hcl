target "app" {
  context = "x"
  tags = target.b.tags
  args = { A = target.b.context == null ? "unset" : "set", N = target.b.name }
}
target "b" {
  tags = ["b"]
}
