target "default" {
  dockerfile-inline = "FROM scratch\n"
  extra-hosts       = { here = "host-gateway" }
}
