target "a b" {
}
