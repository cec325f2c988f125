target "a" {
}
target b "c d" {}
plain {
}
