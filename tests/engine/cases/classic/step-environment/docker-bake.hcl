# network, extra-hosts, shm-size, ulimits, resources: what a step finds around it.
variable "OUT" {}
variable "BASE" {}

target "shared" {
  dockerfile-inline = <<EOT
FROM shell AS work
RUN ls /sys/class/net | tr -d '\n' > /net; grep example /etc/hosts > /hosts; df -k /dev/shm | awk 'NR==2{print $2}' > /shm
RUN ulimit -n > /files; ulimit -Hn >> /files
FROM scratch
COPY --from=work /net /hosts /shm /files /
EOT
  contexts    = { shell = "docker-image://${BASE}" }
  extra-hosts = { "db.example" = "10.1.2.3,[fe80::1]" }
  shm-size    = "32m"
  ulimits     = ["nofile=512:1024"]
  output      = ["${OUT}"]
  network     = "none"
}
target "default" {
  inherits = ["shared"]
}
