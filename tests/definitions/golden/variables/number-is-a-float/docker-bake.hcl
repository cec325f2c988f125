variable "V" {
  type = number
  default = 0
}
target "app" {
  args = { A = jsonencode(V) }
}
