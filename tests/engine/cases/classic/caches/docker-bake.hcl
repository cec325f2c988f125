# Caches on the classic image store: inline export, imports from a registry and a folder that is not there.
variable "PREFIX" {}
variable "REGISTRY" {}

target "default" {
  dockerfile-inline = "FROM scratch\nCOPY docker-bake.hcl /\nENV CACHE=yes\n"
  tags              = ["${REGISTRY}/${PREFIX}/cached:1"]
  cache-to          = ["type=inline"]
  cache-from        = ["type=local,src=nowhere", "${REGISTRY}/${PREFIX}/cached:1", "type=gha"]
  output            = ["type=registry"]
}
