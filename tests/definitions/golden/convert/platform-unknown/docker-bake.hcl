target "app" {
  platforms = ["foo/bar/baz/qux"]
}
