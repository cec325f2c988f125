a = 
b = 2
c = [1 2]
target "t" {
  d = (1
}
e = 5
