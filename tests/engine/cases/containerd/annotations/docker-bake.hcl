# annotations: at every level, in the registry and in a layout.
variable "OUT" {}
variable "PREFIX" {}
variable "REGISTRY" {}

target "default" {
  dockerfile-inline = "FROM scratch\nCOPY word /\n"
  platforms         = ["linux/amd64", "linux/arm64"]
  tags              = ["${REGISTRY}/${PREFIX}/annotated:1"]
  attest            = ["type=provenance,disabled=true"]
  annotations = [
    "org.example.plain=p",
    "manifest[linux/amd64]:org.example.amd=a=b",
    "index,manifest:org.example.both=b",
    "index-descriptor:org.example.index=i",
    "manifest-descriptor:org.example.descriptor=d",
  ]
  output = ["type=registry", "type=oci,dest=${OUT}/layout,tar=false"]
}
