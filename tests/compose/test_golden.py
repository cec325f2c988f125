"""Whole projects: every file under `golden/` is one, and what it gives.

A file is a list of parts, `-- name --` and then the text of the file of that name. The parts `x.yml` and `y.yml` are
the Compose files, others may be named by them. The last part is `json`, the definitions, or `error`, the messages.
"""

import json
import re
from pathlib import Path

import pytest

from tests.compose.loading import as_json, errors, load

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(GOLDEN.rglob("*.txt"))
PART = re.compile(r"^-- (\S+) --\n", re.MULTILINE)


def parts(text: str) -> dict[str, str]:
    _, *rest = PART.split(text)
    return dict(zip(rest[::2], rest[1::2], strict=True))


@pytest.mark.parametrize("path", CASES, ids=[str(path.relative_to(GOLDEN).with_suffix("")) for path in CASES])
def test_project(path: Path) -> None:
    files = parts(path.read_text(encoding="utf-8"))
    expected_error = files.pop("error", "").removesuffix("\n")
    expected = json.loads(files.pop("json", "null"))
    names = tuple(name for name in ("x.yml", "y.yml") if name in files)

    definitions, sink = load(files, names)

    assert expected_error == errors(sink)
    if expected is not None:
        found = as_json(definitions)
        assert expected == {**found, "group": {name: _sorted(group) for name, group in found["group"].items()}}


def _sorted(group: dict[str, list[str] | None]) -> dict[str, list[str] | None]:
    return {key: None if names is None else sorted(names) for key, names in group.items()}


def test_there_are_projects_for_every_feature() -> None:
    assert {
        "build", "differences", "env_file", "extends", "include", "interpolation", "merge", "reset", "schema",
        "secrets", "xbake", "yaml",
    } == {path.parent.name for path in CASES}  # fmt: skip
