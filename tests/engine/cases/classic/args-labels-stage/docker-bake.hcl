# args, labels, target, tags, dockerfile, description: what an image looks like.
variable "PREFIX" {}
variable "BASE" {}

target "default" {
  description = "one of several stages"
  dockerfile  = "images/app.Dockerfile"
  target      = "app"
  args = {
    BASE    = BASE
    VERSION = "1.2 <3>"
    UNSET   = null
  }
  labels = {
    "org.example.made-by" = "a \"test\" & more"
  }
  tags = ["${PREFIX}/app:1", "${PREFIX}/app:latest"]
}
