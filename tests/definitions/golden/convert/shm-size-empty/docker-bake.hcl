target "app" {
  shm-size = ""
}
