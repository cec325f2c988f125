"""Inputs of every shape and size, varied by a seed so that nobody can tune for one file."""

import json
import random
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

Generator = Callable[[int, random.Random], str | Mapping[str, str]]


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


def files(count: int, rng: random.Random) -> Mapping[str, str]:
    """Many small files, a target in each, and variables that all of them use."""
    names = [f"t{number}" for number in range(count)]
    group = f'group "default" {{ targets = {json.dumps(names)} }}\n'
    found = {"f.hcl": f'variable "V" {{ default = "{rng.randrange(100)}" }}\n{group}'}
    for name in names:
        found[f"{name}.hcl"] = f'target "{name}" {{\n  context = "{name}"\n  tags = ["{name}:${{V}}"]\n}}\n'
    return found


class Shape(NamedTuple):
    """A generator, the file that it fills, and the sizes; those above `asked` are measured without buildx, which takes
    minutes for them."""

    generate: Generator
    file: str
    sizes: tuple[int, ...]
    asked: int = 5000

    def write(self, folder: Path, size: int, seed: int) -> None:
        made = self.generate(size, random.Random(seed + size))
        for name, text in ({self.file: made} if isinstance(made, str) else made).items():
            (folder / name).write_text(text)


SHAPES: Final = {
    "wide": Shape(wide, "docker-bake.hcl", (10, 100, 1000, 5000, 20_000)),
    "deep": Shape(deep, "docker-bake.hcl", (10, 100, 1000, 5000), 1000),
    "matrix": Shape(matrix, "docker-bake.hcl", (10, 100, 1000, 5000, 10_000)),
    "linked": Shape(linked, "docker-bake.hcl", (10, 100, 500, 2000), 500),
    "functions": Shape(functions, "docker-bake.hcl", (10, 100, 1000)),
    "compose": Shape(compose, "compose.yaml", (10, 100, 1000)),
    "files": Shape(files, "", (10, 100, 1000)),
}


def write(folder: Path, shape: str, size: int, seed: int) -> None:
    """Write an input, from a process of its own: what a measured process uses is counted from what this one uses."""
    command = [sys.executable, "-m", "benchmarks.inputs", shape, str(size), str(seed), str(folder)]
    subprocess.run(command, check=True, cwd=Path(__file__).parents[1])


if __name__ == "__main__":
    SHAPES[sys.argv[1]].write(Path(sys.argv[4]), int(sys.argv[2]), int(sys.argv[3]))
