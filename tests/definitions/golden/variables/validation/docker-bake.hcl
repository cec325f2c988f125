variable "PORT" {
  default = 80
  validation {
    condition = PORT >= 1024
    error_message = "The variable 'PORT' must be 1024 or greater."
  }
}
target "app" {
  args = { A = PORT }
}
