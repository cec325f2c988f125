# first
a = [ # one
  1, // two
  /* three */ 2,
] // last
/* before */ b = 1 # no line end