group "foo" {
  targets = ["nope"]
}
