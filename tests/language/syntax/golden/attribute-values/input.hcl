a = 1
b = "text"
c = true
d = null
e = name
