"""From definition files to a plan. Opens files through `compiler.sources` alone and never a socket."""
