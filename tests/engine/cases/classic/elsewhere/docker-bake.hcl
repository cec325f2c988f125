# Contexts that are a repository and an archive.
variable "OUT" {}
variable "SITE" {}

group "default" {
  targets = ["repository", "archive", "named"]
}
target "repository" {
  context    = "${SITE}/work.git#main:sub"
  dockerfile = "own.Dockerfile"
  output     = ["${OUT}/repository"]
}
target "archive" {
  context = "${SITE}/all.tar"
  output  = ["${OUT}/archive"]
}
target "named" {
  context           = "${SITE}/work.git"
  dockerfile-inline = "FROM scratch\nCOPY sub /main\nCOPY --from=second sub /second\n"
  contexts          = { second = "${SITE}/work.git#main" }
  output            = ["${OUT}/named"]
}
