variable "V" {
  type = list(string)
  default = []
}
target "app" {
  args = { A = jsonencode(V) }
}
