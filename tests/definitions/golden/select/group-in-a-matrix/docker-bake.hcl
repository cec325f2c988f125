group "default" {
  matrix = { a = ["b"] }
  targets = ["app"]
}
target "app" {
}
