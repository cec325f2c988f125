target "a" = {
}
