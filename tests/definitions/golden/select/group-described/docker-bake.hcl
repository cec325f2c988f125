group "default" {
  description = "all of it"
  targets = ["app", "app"]
}
target "app" {
}
