variable "N" {
  default = 7
  validation {
    condition     = small(N) || N == LIMIT
    error_message = "too large"
  }
}
variable "M" {
  default = checked(1)
}
LIMIT = 7
function "checked" {
  params = [n]
  result = small(n) ? n : LIMIT
}
function "small" {
  params = [n]
  result = n < 5
}
target "app" {}
