target "app" {
  policy = ["filename=x.rego,strict=true,log-level=debug", { disabled = "true" }]
}
