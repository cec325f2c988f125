target "a" { inner {} }
