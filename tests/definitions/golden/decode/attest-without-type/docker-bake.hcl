target "app" {
  attest = ["a=b"]
}
