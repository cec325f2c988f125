V = "b"
target "app" {
  tags = [V]
}
