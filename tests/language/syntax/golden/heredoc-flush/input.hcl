a = <<-EOT
    first
      ${b}

    last
  EOT
