# secret (file, environment, one named like its variable) and ssh (a key in a file, with an id).
variable "OUT" {}
variable "BASE" {}

target "default" {
  dockerfile-inline = <<EOT
FROM shell AS work
RUN --mount=type=secret,id=file --mount=type=secret,id=variable,env=FROM_ENV --mount=type=secret,id=WORD \
    cat /run/secrets/file /run/secrets/WORD > /seen; echo $FROM_ENV >> /seen
RUN --mount=type=ssh,id=keys --mount=type=ssh test -S $SSH_AUTH_SOCK && echo an agent >> /seen
FROM scratch
COPY --from=work /seen /
EOT
  contexts = { shell = "docker-image://${BASE}" }
  secret   = ["id=file,src=token", { id = "variable", env = "WORD" }, "id=WORD"]
  ssh      = ["default=key", { id = "keys", paths = ["key"] }]
  output   = ["${OUT}"]
}
