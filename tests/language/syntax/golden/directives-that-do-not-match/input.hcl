a = "%{ if b }%{ endfor }"
c = "%{ for d in e }"
f = "%{ endif }"
g = "%{ if h }%{ else }%{ else }"
