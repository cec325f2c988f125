group "g" {
  targets = null
}
target "app" {
  inherits = null
  policy   = [{}]
}
