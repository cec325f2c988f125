target "base" {
  resources = { memory = "1g", cpu-shares = 5 }
}
target "app" {
  inherits = ["base"]
  resources = { cpu-shares = 7, cpuset-cpus = "0,1" }
}
