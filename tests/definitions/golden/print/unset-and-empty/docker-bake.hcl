target "app" {
  tags = []
  args = {}
  target = ""
  pull = false
  cache-to = []
}
