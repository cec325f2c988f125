# cache-to and cache-from: a folder, a registry, inline, in both modes.
variable "OUT" {}
variable "PREFIX" {}
variable "REGISTRY" {}
variable "BASE" {}

target "default" {
  name              = kind
  matrix            = { kind = ["folder", "registry", "inline"] }
  dockerfile-inline = "FROM shell AS work\nRUN echo ${kind} > /made\nFROM scratch\nCOPY --from=work /made /\n"
  contexts          = { shell = "docker-image://${BASE}" }
  tags              = ["${REGISTRY}/${PREFIX}/${kind}:1"]
  attest            = ["type=provenance,disabled=true"]
  output            = ["type=registry"]
  cache-to = {
    folder   = ["type=local,dest=${OUT}/cache,mode=max"]
    registry = ["type=registry,ref=${REGISTRY}/${PREFIX}/cache:1,mode=min,image-manifest=true"]
    inline   = ["type=inline"]
  }[kind]
  cache-from = {
    folder   = ["type=local,src=${OUT}/cache"]
    registry = ["${REGISTRY}/${PREFIX}/cache:1"]
    inline   = ["type=registry,ref=${REGISTRY}/${PREFIX}/inline:1"]
  }[kind]
}
