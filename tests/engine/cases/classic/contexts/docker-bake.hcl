# context, contexts (folder, image, target), files to ignore; what is used of a linked target that is built, too.
variable "OUT" {}
variable "BASE" {}

group "default" {
  targets = ["app", "library"]
}
target "library" {
  context           = "library"
  dockerfile-inline = "FROM shell\nRUN mkdir /lib && echo made > /lib/made\nENV LIBRARY=/lib\n"
  contexts          = { shell = "docker-image://${BASE}" }
  output            = ["type=cacheonly"]
}
target "app" {
  context = "app"
  contexts = {
    shell   = "docker-image://${BASE}"
    library = "target:library"
    extra   = "extra"
  }
  target = "files"
  output = ["${OUT}"]
}
