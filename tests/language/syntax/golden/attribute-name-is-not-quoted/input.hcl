target "a" {
  "context" = "."
}
