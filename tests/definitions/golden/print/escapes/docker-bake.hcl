target "app" {
  args = { A = "$${b} %%{c}", B = "<&>\u2028" }
  tags = ["$${t}"]
  labels = { l = "$${x}" }
  annotations = ["a=$${y}"]
  dockerfile-inline = "FROM $${z}"
  extra-hosts = { h = "$${i}" }
  description = "é \t $${d}"
}
