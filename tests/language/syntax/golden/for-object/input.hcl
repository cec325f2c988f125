a = {for b, c in d : e => f... if g}
