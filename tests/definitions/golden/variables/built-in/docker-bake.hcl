target "app" {
  args = { A = BAKE_CMD_CONTEXT }
}
