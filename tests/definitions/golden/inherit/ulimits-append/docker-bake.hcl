target "base" {
  ulimits = ["nofile=1:2"]
}
target "app" {
  inherits = ["base"]
  ulimits = ["nofile=1:2", "nproc=5"]
}
