# output on the containerd image store: every exporter, and several of one target. `compressed` has a layer of its own:
# one that exists in zstd is taken as it is by any other export.
variable "OUT" {}
variable "PREFIX" {}
variable "REGISTRY" {}

target "default" {
  name = kind
  matrix = {
    kind = ["none", "oci", "layout", "archive", "docker", "registry", "compressed", "several"]
  }
  dockerfile-inline = "FROM scratch\nCOPY word /${kind == "compressed" ? "packed" : "sub"}/\nENV KIND=${kind}\n"
  tags              = contains(["registry", "compressed", "several"], kind) ? ["${REGISTRY}/${PREFIX}/${kind}:1"] : ["${PREFIX}/${kind}"]
  attest            = ["type=provenance,disabled=true"]
  output = {
    none       = []
    oci        = ["type=oci,dest=${OUT}/oci.tar"]
    layout     = ["type=oci,dest=${OUT}/layout,tar=false"]
    archive    = ["type=docker,dest=${OUT}/docker.tar"]
    docker     = ["type=docker"]
    registry   = ["type=registry"]
    compressed = ["type=image,push=true,compression=zstd,force-compression=true,oci-mediatypes=true"]
    several    = ["type=registry", "type=tar,dest=${OUT}/several.tar", "type=local,dest=${OUT}/several", "type=oci,dest=${OUT}/several.oci"]
  }[kind]
}
