# attest: provenance of both modes, a bill of materials by a scanner of our own, and none at all.
variable "PREFIX" {}
variable "REGISTRY" {}

target "default" {
  name   = kind
  matrix = { kind = ["usual", "max", "sbom", "none"] }
  dockerfile-inline = "FROM scratch\nCOPY word /\nENV KIND=${kind}\n"
  tags   = ["${REGISTRY}/${PREFIX}/${kind}:1"]
  output = ["type=registry"]
  attest = {
    usual = []
    max   = ["type=provenance,mode=max"]
    sbom  = ["type=sbom,generator=${REGISTRY}/scanner:1", { type = "provenance", disabled = true }]
    none  = ["type=provenance,disabled=true"]
  }[kind]
}
