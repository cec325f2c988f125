target "default" {
  target = "broken"
}
