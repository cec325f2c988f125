target "app" {
  shm-size = "1zz"
}
