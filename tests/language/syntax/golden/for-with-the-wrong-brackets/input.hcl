a = [for b in c : d => e]
f = [for g in h : i...]
j = {for k in l : m}
