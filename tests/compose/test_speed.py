"""Large projects: work grows with the text, and nothing is read twice."""

import sys
from types import FrameType

from tests.compose.loading import errors, load, load_text

SERVICE = """
  app{n}:
    <<: *base
    image: registry/app{n}:${{TAG:-1}}
    build:
      context: ./app{n}
      args: {{VERSION: "${{VERSION:-1}}", N: {n}}}
      tags: ["app{n}:${{TAG:-1}}"]
      cache_from: ["type=gha,scope={n}"]
"""


def project(services: int) -> str:
    return "x-base: &base {environment: {A: 1}}\nservices:" + "".join(SERVICE.format(n=n) for n in range(services))


def calls(services: int) -> int:
    """How many functions are called to load a project: unlike its time that is the same each time."""
    text, count = project(services), 0

    def note(_frame: FrameType, event: str, _arg: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        definitions, sink = load_text(text)
    finally:
        sys.setprofile(None)
    assert services == len(definitions.targets), errors(sink)
    return count


def test_work_is_linear() -> None:
    assert calls(400) < 4.2 * calls(100)


def test_a_file_that_many_services_extend_is_read_once() -> None:
    services = "".join(f"  s{n}: {{extends: {{file: base.yml, service: b}}}}\n" for n in range(50))
    files = {"compose.yml": f"services:\n{services}", "base.yml": "services: {b: {build: {args: {X: 1}}}}"}
    reads: list[str] = []

    class Counted(dict[str, str]):
        def __getitem__(self, name: str) -> str:
            reads.append(name)
            return super().__getitem__(name)

    definitions, _ = load(Counted(files))

    assert len(definitions.targets) == 50
    assert [name for name in reads if name != "compose.yml"] == ["base.yml"]


def test_a_diamond_of_includes_is_loaded_once() -> None:
    files = {f"l{n}.yml": f"include: [l{n + 1}.yml, m{n + 1}.yml]\n" for n in range(30)}
    files |= {f"m{n}.yml": f"include: [l{n + 1}.yml, m{n + 1}.yml]\n" for n in range(30)}
    files |= {"l30.yml": "services: {a: {build: .}}", "m30.yml": "services: {b: {build: .}}"}

    definitions, sink = load({**files, "compose.yml": "include: [l0.yml]"})

    assert {"a", "b"} == {target.name for target in definitions.targets}, errors(sink)
