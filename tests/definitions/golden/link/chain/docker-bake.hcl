target "app" {
  contexts = { x = "target:b" }
}
target "b" {
  contexts = { x = "target:c" }
}
target "c" {
}
