a = <<EOT
first
  ${b} $${c}
EOT
