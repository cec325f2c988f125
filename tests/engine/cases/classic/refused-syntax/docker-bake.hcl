target "default" {
  args = { BUILDKIT_SYNTAX = "127.0.0.1:9/none" }
}
