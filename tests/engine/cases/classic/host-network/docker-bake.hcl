# network = "host" with the entitlement that it needs, and its flag.
variable "OUT" {}
variable "BASE" {}

target "default" {
  dockerfile-inline = <<EOT
FROM shell AS work
RUN ls /sys/class/net | grep -c '^lo$' > /lo; [ $(ls /sys/class/net | wc -l) -gt 1 ] && echo more > /more
FROM scratch
COPY --from=work /lo /more /
EOT
  contexts     = { shell = "docker-image://${BASE}" }
  network      = "host"
  entitlements = ["network.host"]
  output       = ["${OUT}"]
}
