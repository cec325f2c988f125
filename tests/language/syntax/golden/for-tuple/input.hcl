a = [for b in c : d]
e = [for f, g in h : i if j]
