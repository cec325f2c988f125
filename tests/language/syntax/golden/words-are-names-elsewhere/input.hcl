for = 1
if = in
in = [if, in, for.x, a[for]]
