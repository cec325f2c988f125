V = "a"
