a = "%{ if b }c%{ else }d%{ endif }%{ if e }%{ endif }"
