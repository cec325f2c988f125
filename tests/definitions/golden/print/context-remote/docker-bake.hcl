target "app" {
  context = "https://github.com/user/repo.git#main:sub"
}
