variable "V" {
  type = number
  default = 1
}
