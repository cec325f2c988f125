target "app" {
  context = "./a/../b/"
  contexts = { c = "./x/" }
}
