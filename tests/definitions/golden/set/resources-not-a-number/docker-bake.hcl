target "app" {
  tags = ["a"]
  args = { A = "1" }
  platforms = ["linux/amd64"]
  output = ["type=image,name=x"]
  secret = ["id=s,env=S"]
  cache-from = ["u/a"]
  labels = { l = "1" }
}
target "web" {
}
group "grp" {
  targets = ["app"]
}
