# output on the classic image store: local, tar, docker, image, registry, cacheonly, and none.
variable "OUT" {}
variable "PREFIX" {}
variable "REGISTRY" {}

target "default" {
  name = kind
  matrix = {
    kind = ["none", "local", "tar", "docker", "image", "registry", "pushed", "cacheonly"]
  }
  dockerfile-inline = "FROM scratch\nCOPY word /sub/\nENV KIND=${kind}\n"
  tags              = contains(["registry", "pushed"], kind) ? ["${REGISTRY}/${PREFIX}/${kind}:1", "${REGISTRY}/${PREFIX}/${kind}:2"] : ["${PREFIX}/${kind}"]
  output = {
    none      = []
    local     = ["type=local,dest=${OUT}/local"]
    tar       = ["type=tar,dest=${OUT}/all.tar"]
    docker    = ["type=docker"]
    image     = ["type=image"]
    registry  = ["type=registry"]
    pushed    = [{ type = "image", push = true }]
    cacheonly = ["type=cacheonly"]
  }[kind]
}
