target "default" {
  cache-to = ["type=local,dest=cache"]
}
