group "foo" {
  targets = ["foo"]
}
target "foo" {
  tags = ["a"]
}
