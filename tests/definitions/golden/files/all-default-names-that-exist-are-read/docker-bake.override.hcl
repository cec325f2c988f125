target "app" {
  args = { D = "override.hcl" }
}
