"""Small definitions that would take all memory or all time, if they were let."""

# ruff: noqa: E501 - one text a line reads better than several lines a text

from typing import Final

DEEP: Final = 200_000
DOUBLING: Final = "\n".join(f'v{at} = "${{v{at - 1}}}${{v{at - 1}}}"' for at in range(1, 60))
LISTS: Final = "\n".join(f"v{at} = [v{at - 1}, v{at - 1}, v{at - 1}]" for at in range(1, 40))
CALLS: Final = "\n".join(
    f'function "f{at}" {{\n  params = [x]\n  result = "${{f{at - 1}(x)}}${{f{at - 1}(x)}}"\n}}' for at in range(1, 40)
)
KEYS: Final = ", ".join(f"k{at} = range(1000)" for at in range(5))


def target(*lines: str) -> str:
    return 'target "default" {\n' + "".join(f"  {line}\n" for line in lines) + "}\n"


HCL: Final = {
    "deep brackets": f"x = {'[' * DEEP}{']' * DEEP}\n",
    "deep parentheses": f"x = {'(' * DEEP}1{')' * DEEP}\n",
    "deep objects": f"x = {'{a=' * DEEP}1{'}' * DEEP}\n",
    "deep templates": 'x = "' + '${"' * DEEP + "\n",
    "deep unary": f"x = {'!' * DEEP}true\n",
    "deep conditionals": f"x = {'true ? ' * DEEP}1{' : 2' * DEEP}\n",
    "deep calls": f"x = {'upper(' * DEEP}1{')' * DEEP}\n",
    "deep blocks": "a {\n" * DEEP,
    "long sum": f"x = 1{' + 1' * DEEP}\n",
    "long traversal": f"x = {{}}{'.a' * DEEP}\n",
    "long indexing": f"x = []{'[0]' * DEEP}\n",
    "huge number": f"x = {'9' * 1_000_000}\n" + target("args = { A = x }"),
    "huge exponent": target("args = { A = 1e1000000000 }"),
    "tiny exponent": target("args = { A = 1e-1000000000 }"),
    "power": target("args = { A = pow(10, 1000000) }"),
    "repeated squaring": "v0 = 10\n" + "\n".join(f"v{n} = v{n - 1} * v{n - 1}" for n in range(1, 60)) + target("args = { A = v59 }"),
    "doubling text": 'v0 = "x"\n' + DOUBLING + "\n" + target("args = { A = v59 }"),
    "tripling lists": 'v0 = "x"\n' + LISTS + "\n" + target("args = { A = jsonencode(v39) }"),
    "tripling lists compared": 'v0 = "x"\n' + LISTS + "\n" + target('args = { A = v39 == v39 ? "a" : "b" }'),
    "tripling lists flattened": 'v0 = "x"\n' + LISTS + "\n" + target("tags = flatten(v39)"),
    "doubling calls": 'function "f0" {\n  params = [x]\n  result = x\n}\n' + CALLS + target('tags = [f39("x")]'),
    "setproduct": target("tags = [length(setproduct(range(1000), range(1000), range(1000), range(1000)))]"),
    "nested for": target("tags = [for a in range(1000) : [for b in range(1000) : [for c in range(1000) : 1]]]"),
    "replace": target('args = { A = replace(replace(format("%01000d", 0), "0", format("%01000d", 0)), "0", format("%09000d", 0)) }'),
    "wide format": target('args = { A = format("%2000000000d", 1) }'),
    "precise format": target('args = { A = format("%.2000000000f", 1) }'),
    "indent": target('args = { A = indent(2000000000, "a\\nb") }'),
    "join": target('args = { A = join(format("%0100000d", 0), range(1000)) }'),
    "matrix": target('name = "x"', f"matrix = {{ {KEYS} }}"),
    "regular expression": target('args = { A = regex("(a*)*b", "' + "a" * 5000 + '") }'),
    "repetition": target('args = { A = regex("((a{1000}){1000}){1000}", "a") }'),
    "bcrypt": target('args = { A = bcrypt("x", 31) }'),
    "subnets": target('args = { A = cidrsubnet("::/0", 128, 5) }'),
    "chunks": target("tags = [chunklist(range(1000), 0.0000001)]"),
    "heredoc without end": "x = <<EOT\n" + "a\n" * DEEP,
    "inheriting in a line": "".join(f'target "t{n}" {{\n  inherits = ["t{n + 1}"]\n}}\n' for n in range(20_000)) + 'group "default" {\n  targets = ["t0"]\n}\ntarget "t20000" {\n}\n',
    "linking in a line": "".join(f'target "t{n}" {{\n  contexts = {{ a = "target:t{n + 1}" }}\n}}\n' for n in range(5_000)) + 'group "default" {\n  targets = ["t0"]\n}\ntarget "t5000" {\n}\n',
    "groups in groups": "".join(f'group "g{n}" {{\n  targets = ["g{n + 1}", "g{n + 1}"]\n}}\n' for n in range(2_000)) + 'group "default" {\n  targets = ["g0"]\n}\ntarget "g2000" {\n}\n',
    "variables in a line": "v0 = 1\n" + "".join(f"v{n} = v{n - 1}\n" for n in range(1, 20_000)) + target("args = { A = v19999 }"),
    "variables in a line, last first": "".join(f"v{n} = v{n - 1}\n" for n in range(19_999, 0, -1)) + "v0 = 1\n" + target("args = { A = v19999 }"),
    "references in a line": "".join(f'target "t{n}" {{\n  tags = target.t{n + 1}.tags\n}}\n' for n in range(3_000)) + 'target "t3000" {\n  tags = ["a"]\n}\ngroup "default" {\n  targets = ["t0"]\n}\n',
    "functions in a line": "".join(f'function "f{n}" {{\n  params = [x]\n  result = f{n + 1}(x)\n}}\n' for n in range(3_000)) + 'function "f3000" {\n  params = [x]\n  result = x\n}\n' + target('tags = [f0("a")]'),
    "null bytes": "x = \"\0\"\n\0",
}  # fmt: skip
JSON: Final = {
    "deep arrays": "[" * DEEP + "]" * DEEP,
    "deep objects": '{"a":' * DEEP + "1" + "}" * DEEP,
    "deep value": '{"x": ' + "[" * DEEP + "]" * DEEP + "}",
    "huge number": '{"x": ' + "9" * 1_000_000 + "}",
    "huge exponent": '{"target": {"default": {"args": {"A": 1e999999999}}}}',
    "many templates": '{"x": "' + "${1}" * DEEP + '"}',
    "deep template": '{"x": "' + "${(" * 20_000 + '"}',
    "surrogates": '{"x": "\\ud800", "\\udfff": "${\\ud800}"}',
}
COMPOSE: Final = {
    "aliases": "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
    + "services: {app: {image: x, build: {context: ., tags: *a39}}}\n",
    "merge keys": "a0: &a0 {k: v}\n" + "".join(f"a{n}: &a{n}\n  <<: [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
    + "services: {app: {image: x, build: {context: ., args: *a39}}}\n",
    "deep flow": "x: " + "[" * 50_000 + "]" * 50_000,
    "deep mapping": "x: " + "{a: " * 50_000,
    "deep blocks": "\n".join(" " * n + "a:" for n in range(3_000)),
    "alias of itself": "services: &s {app: {image: x, build: *s}}\n",
    "nested defaults": "services: {app: {image: '" + "${A:-" * 20_000 + "}" * 20_000 + "', build: .}}\n",
    "extending itself": "services: {app: {extends: {service: app}, build: .}}\n",
    "huge number": "services: {app: {image: x, build: {context: ., shm_size: " + "9" * 5_000 + "}}}\n",
    "timestamps": "services: {app: {image: 2001-12-14t21:59:43.10-05:00, build: .}}\n",
    "tags": "services: !!python/object/apply:os.system ['true']\n",
}  # fmt: skip
