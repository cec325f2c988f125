target "default" {
  target = "none"
}
