target "base" {
  shm-size = "1g"
}
target "app" {
  inherits = ["base"]
  shm-size = "2g"
}
