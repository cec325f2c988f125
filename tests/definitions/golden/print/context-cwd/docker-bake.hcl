target "app" {
  context = "cwd://x"
}
