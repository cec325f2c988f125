variable "BAKE_CMD_CONTEXT" {
  default = "x"
}
target "app" {
  args = { A = BAKE_CMD_CONTEXT }
}
