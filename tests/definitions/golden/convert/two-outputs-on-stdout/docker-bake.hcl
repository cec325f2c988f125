target "app" {
  output = ["type=tar", "type=oci"]
}
