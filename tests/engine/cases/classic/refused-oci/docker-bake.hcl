target "default" {
  output = ["type=oci,dest=a.tar"]
}
