variable "V" {
  type = bool
  default = false
}
target "app" {
  args = { A = jsonencode(V) }
}
