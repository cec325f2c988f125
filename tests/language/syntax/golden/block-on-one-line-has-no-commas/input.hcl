target "a" { context = ".", dockerfile = "D" }
