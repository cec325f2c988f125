target "default" {
  output = ["type=local,dest=docker-bake.hcl"]
}
