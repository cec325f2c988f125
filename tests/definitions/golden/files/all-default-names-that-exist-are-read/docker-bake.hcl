target "app" {
  args = { A = "hcl", C = "hcl" }
}
