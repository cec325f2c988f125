target "default" {
  contexts = { a = "oci-layout://nowhere" }
}
