function "where" {
  params = []
  result = target.app.context
}
target "app" {
  context = "c"
}
