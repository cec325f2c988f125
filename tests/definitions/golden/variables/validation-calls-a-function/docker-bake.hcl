variable "N" {
  default = 1
  validation {
    condition     = small(N)
    error_message = "too large"
  }
}
function "small" {
  params = [n]
  result = n < 5
}
target "app" {}
