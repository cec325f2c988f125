"""Inputs of every shape and size, varied by a seed so that nobody can tune for one file."""

import json
import random
from collections.abc import Callable, Mapping
from typing import Final

Generator = Callable[[int, random.Random], str]


def wide(count: int, rng: random.Random) -> str:
    """Many targets that inherit one, with templates, a conditional, tags and caches."""
    names = [f"t{number}-{rng.randrange(1000)}" for number in range(count)]
    head = f"""variable "REG" {{ default = "registry.example.com/{rng.randrange(1000)}" }}
variable "VERSION" {{ default = "1.{rng.randrange(100)}.0" }}
group "default" {{ targets = {json.dumps(names)} }}
target "_common" {{
  platforms = ["linux/amd64", "linux/arm64"]
  labels = {{ "org.opencontainers.image.version" = VERSION }}
}}
"""
    body = """target "{name}" {{
  inherits = ["_common"]
  context = "services/{name}"
  args = {{
    VERSION = VERSION
    NAME = "service-{name}"
    FLAVOR = VERSION == "1.2.3" ? "stable" : "edge"
  }}
  tags = ["${{REG}}/{name}:${{VERSION}}", "${{REG}}/{name}:latest"]
  cache-from = ["type=registry,ref=${{REG}}/{name}:cache"]
  output = ["type=image,push=false"]
}}
"""
    return head + "".join(body.format(name=name) for name in names)


def deep(count: int, rng: random.Random) -> str:
    """A chain of inheritance, each target with an argument of its own among a few names."""
    links = [
        f'target "t{number}" {{\n  inherits = ["t{number - 1}"]\n  args = {{ A{rng.randrange(20)} = "{number}" }}\n}}\n'
        for number in range(1, count)
    ]
    return f'group "default" {{ targets = ["t{count - 1}"] }}\ntarget "t0" {{}}\n' + "".join(links)


def matrix(count: int, rng: random.Random) -> str:
    """One target with a matrix of two axes."""
    across = max(1, round(count**0.5))
    down = max(1, count // across)
    one = json.dumps([f"a{number}" for number in range(across)])
    two = json.dumps([f"b{rng.randrange(10)}{number}" for number in range(down)])
    return f"""target "default" {{
  name = "app-${{a}}-${{b}}"
  matrix = {{ a = {one}, b = {two} }}
  args = {{ A = a, B = b }}
  tags = ["app:${{a}}-${{b}}"]
}}
"""


def linked(count: int, rng: random.Random) -> str:
    """A chain of targets that use each other's results."""
    links = [
        (
            f'target "t{number}" {{\n  context = "c{rng.randrange(100)}"\n'
            f'  contexts = {{ base = "target:t{number - 1}" }}\n}}\n'
        )
        for number in range(1, count)
    ]
    return f'group "default" {{ targets = ["t{count - 1}"] }}\ntarget "t0" {{}}\n' + "".join(links)


def functions(count: int, rng: random.Random) -> str:
    """Targets made of calls, own and standard, and `for` expressions."""
    head = """function "tag" {
  params = [name, version]
  result = join("-", [lower(name), replace(version, ".", "_"), substr(sha256(name), 0, 8)])
}
"""
    body = """target "t{number}" {{
  tags = [for v in split(",", "1.0,1.1,{seed}") : tag("Name{number}", v) if length(split(".", v)) > 0]
  args = {{ for k, v in {{ a = 1, b = 2 }} : upper(k) => format("%03d", v * {number}) }}
}}
"""
    names = json.dumps([f"t{number}" for number in range(count)])
    targets = "".join(body.format(number=number, seed=rng.randrange(100)) for number in range(count))
    return f'group "default" {{ targets = {names} }}\n{head}{targets}'


def compose(count: int, rng: random.Random) -> str:
    """A Compose project."""
    body = """  s{number}:
    image: registry.example.com/s{number}:{seed}
    build:
      context: services/s{number}
      args:
        NAME: s{number}
        SEED: "{seed}"
      labels: ["a=b"]
"""
    return "services:\n" + "".join(body.format(number=number, seed=rng.randrange(100)) for number in range(count))


SHAPES: Final[Mapping[str, tuple[Generator, str, tuple[int, ...]]]] = {
    "wide": (wide, "docker-bake.hcl", (10, 100, 1000, 5000)),
    "deep": (deep, "docker-bake.hcl", (10, 100, 1000)),
    "matrix": (matrix, "docker-bake.hcl", (10, 100, 1000, 5000)),
    "linked": (linked, "docker-bake.hcl", (10, 100, 500)),
    "functions": (functions, "docker-bake.hcl", (10, 100, 1000)),
    "compose": (compose, "compose.yaml", (10, 100, 1000)),
}
"""Shape: generator, file name, sizes."""
