target "app" {
  resources = { foo = 1 }
}
