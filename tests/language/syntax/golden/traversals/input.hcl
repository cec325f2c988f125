a = b.c[0]["d"].e.0
f = g[h].i
j = (k).l
