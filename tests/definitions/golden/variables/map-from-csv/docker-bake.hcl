variable "V" {
  type = map(string)
  default = {}
}
target "app" {
  args = { A = jsonencode(V) }
}
