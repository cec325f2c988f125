x = undefined
target "app" {
}
