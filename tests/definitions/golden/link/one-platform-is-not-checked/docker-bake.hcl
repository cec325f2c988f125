target "app" {
  contexts = { base = "target:base" }
  platforms = ["linux/arm64"]
}
target "base" {
  platforms = ["linux/amd64", "linux/riscv64"]
}
