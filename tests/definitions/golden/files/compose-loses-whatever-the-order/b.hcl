target "app" {
  args = { A = "hcl" }
}
