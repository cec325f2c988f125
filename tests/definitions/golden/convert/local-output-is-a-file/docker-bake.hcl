target "app" {
  output = ["type=local,dest=docker-bake.hcl"]
}
