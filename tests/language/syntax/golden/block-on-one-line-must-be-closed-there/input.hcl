target "a" { context = "."
}
