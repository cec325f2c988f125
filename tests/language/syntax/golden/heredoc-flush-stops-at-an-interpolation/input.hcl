a = <<-EOT
    first
${b}
  EOT
