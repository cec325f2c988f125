# oci-layout:// as a named context, by tag and alone.
variable "OUT" {}
variable "PREFIX" {}

target "made" {
  dockerfile-inline = "FROM scratch\nCOPY word /\nENV MADE=yes\n"
  tags              = ["example.com/made:7"]
  attest            = ["type=provenance,disabled=true"]
  output            = ["type=oci,dest=${OUT}/layout,tar=false"]
}
target "user" {
  name              = "user-${how}"
  matrix            = { how = ["tag", "alone"] }
  dockerfile-inline = "FROM made\nENV USED=${how}\n"
  contexts          = { made = how == "tag" ? "oci-layout://${OUT}/layout:7" : "oci-layout://${OUT}/layout" }
  tags              = ["${PREFIX}/user:${how}"]
}
