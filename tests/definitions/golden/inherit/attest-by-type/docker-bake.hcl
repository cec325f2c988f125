target "base" {
  attest = ["type=sbom", "type=provenance,mode=min"]
}
target "app" {
  inherits = ["base"]
  attest = ["type=provenance,mode=max"]
}
