a = <<EOT
first
EOT