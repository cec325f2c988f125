target "a" { context = "." }
group "g" {}
