target "default" {
  context = "nowhere"
}
