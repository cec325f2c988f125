# --push and --load add to what a target says.
variable "PREFIX" {}
variable "REGISTRY" {}

target "default" {
  dockerfile-inline = "FROM scratch\nENV A=1\n"
  tags              = ["${REGISTRY}/${PREFIX}/both:1"]
  attest            = ["type=provenance,disabled=true"]
}
