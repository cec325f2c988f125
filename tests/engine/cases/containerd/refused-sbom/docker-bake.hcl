target "default" {
  attest = ["type=sbom,generator=127.0.0.1:9/none"]
}
