variable "V" {
  type = object({a = string})
  default = { a = "x" }
}
target "app" {
  args = { A = jsonencode(V) }
}
