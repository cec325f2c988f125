target "app" {
  context = "x"
  contexts = { c = "../y", d = "docker-image://z", e = "/abs", f = "target:b" }
  dockerfile = "D"
}
target "b" {
}
