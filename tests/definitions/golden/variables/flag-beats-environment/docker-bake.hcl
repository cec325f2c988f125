variable "V" {
  default = "default"
}
target "app" {
  tags = [V]
}
