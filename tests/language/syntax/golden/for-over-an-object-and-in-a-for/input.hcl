a = [for b in {c = 1} : [for d in [for e in f : e] : d]]
