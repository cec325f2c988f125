target "a-${b}" {
}
