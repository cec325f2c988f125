LIMIT = 5
variable "N" {
  default = 1
  validation {
    condition     = N < LIMIT
    error_message = "too large"
  }
}
target "app" {}
