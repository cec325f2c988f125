a = 'x'
b = `y`
c = 1; d = 2
e = f & g
h = “i”
j = @
