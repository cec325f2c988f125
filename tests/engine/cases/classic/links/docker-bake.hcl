# A diamond of links, and overrides on the command line that reach what is linked.
variable "PREFIX" {}
variable "BASE" {}

group "default" { targets = ["top"] }
target "bottom" {
  dockerfile-inline = "FROM shell\nARG WHO=nobody\nENV WHO=$${WHO}\nRUN echo bottom > /trail\n"
  contexts          = { shell = "docker-image://${BASE}" }
  tags              = ["${PREFIX}/bottom"]
}
target "side" {
  name              = side
  matrix            = { side = ["left", "right"] }
  dockerfile-inline = "FROM base\nRUN echo ${side} >> /trail && echo ${side} > /${side}\nENV ${side}=yes\n"
  contexts          = { base = "target:bottom" }
}
target "top" {
  dockerfile-inline = "FROM left\nCOPY --from=right /right /right\nCMD [\"cat\", \"/trail\"]\n"
  contexts          = { left = "target:left", right = "target:right" }
  tags              = ["${PREFIX}/top"]
}
