target "default" {
  attest = ["type=provenance"]
}
