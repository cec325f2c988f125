variable "V" {
  type = list(number)
  default = []
}
target "app" {
  args = { A = jsonencode(V) }
}
