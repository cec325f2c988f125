# SOURCE_DATE_EPOCH and rewritten times: the same layers whoever builds, and when.
variable "OUT" {}

target "default" {
  dockerfile-inline = "FROM scratch\nCOPY word /\n"
  args              = { SOURCE_DATE_EPOCH = "1700000000" }
  no-cache          = true
  output            = ["type=oci,dest=${OUT}/image.tar,rewrite-timestamp=true"]
}
