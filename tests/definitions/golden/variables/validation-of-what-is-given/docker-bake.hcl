variable "PORT" {
  default = 80
  validation {
    condition = PORT >= 1024
    error_message = "too low"
  }
}
target "app" {
  args = { A = PORT }
}
