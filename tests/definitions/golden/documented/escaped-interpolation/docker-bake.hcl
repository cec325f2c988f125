target "app" {
  dockerfile-inline = <<EOT
  FROM alpine
  ARG TARGETARCH
  RUN echo "Building for $${TARGETARCH/amd64/x64}"
  EOT
  platforms = ["linux/amd64", "linux/arm64"]
}
