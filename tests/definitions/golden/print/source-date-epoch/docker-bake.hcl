target "app" {
  args = { A = "1" }
}
target "own" {
  args = { SOURCE_DATE_EPOCH = "5" }
}
