# platforms: one image of two, files of two in folders, and links between targets of several platforms.
variable "OUT" {}
variable "PREFIX" {}
variable "REGISTRY" {}

group "default" { targets = ["image", "files", "one"] }
target "both" { platforms = ["linux/amd64", "linux/arm64/v8"] }
target "base" {
  inherits          = ["both"]
  dockerfile-inline = "FROM scratch\nARG TARGETPLATFORM\nENV P=$${TARGETPLATFORM}\nCOPY word /\n"
}
target "image" {
  inherits          = ["both"]
  contexts          = { base = "target:base" }
  dockerfile-inline = "FROM base\nENV ON=$${P}\n"
  tags              = ["${REGISTRY}/${PREFIX}/image:1"]
  output            = ["type=registry"]
}
target "files" {
  inherits          = ["both"]
  contexts          = { base = "target:base" }
  dockerfile-inline = "FROM base AS base2\nFROM scratch\nCOPY --from=base2 /word /word\nCOPY <<EOT /platform\n$${TARGETPLATFORM}\nEOT\n"
  output            = ["${OUT}/files"]
}
target "one" {
  platforms         = ["linux/arm64"]
  dockerfile-inline = "FROM scratch\nARG TARGETARCH\nENV ARCH=$${TARGETARCH}\n"
  tags              = ["${REGISTRY}/${PREFIX}/one:1"]
  args              = { BUILDKIT_MULTI_PLATFORM = "1" }
  output            = ["type=registry"]
}
