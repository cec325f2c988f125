# output on a daemon that is not the engine's own: images are loaded into the engine as an archive, or pushed.
variable "OUT" {}
variable "PREFIX" {}
variable "REGISTRY" {}

target "default" {
  name = kind
  matrix = {
    kind = ["none", "local", "docker", "archive", "registry"]
  }
  dockerfile-inline = "FROM scratch\nCOPY word /sub/\nENV KIND=${kind}\n"
  tags              = kind == "registry" ? ["${REGISTRY}/${PREFIX}/${kind}:1"] : ["${PREFIX}/${kind}"]
  attest            = ["type=provenance,disabled=true"]
  output = {
    none     = []
    local    = ["type=local,dest=${OUT}/local"]
    docker   = ["type=docker"]
    archive  = ["type=docker,dest=${OUT}/docker.tar"]
    registry = ["type=registry"]
  }[kind]
}
