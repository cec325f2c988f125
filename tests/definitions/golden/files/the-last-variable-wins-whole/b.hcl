variable "V" {
  default = "text"
}
target "app" {
  tags = [V]
}
