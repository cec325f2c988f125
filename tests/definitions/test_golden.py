"""One idea a folder: definition files, and what `docker buildx bake --print` makes of them.

`golden/SECTION/IDEA/` holds the files, `args` (one line, split as a shell does), `env` (`NAME=VALUE` lines) and
`expected.json`, or `expected.err`: the message behind `ERROR: `. All were recorded from the reference. The count of
further messages is left out: the reference reports some mistakes once, some twice.
"""

import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.definitions.running import bake

GOLDEN = Path(__file__).parent / "golden"
FOLDERS = sorted(path.parent for path in GOLDEN.glob("*/*/expected.*"))
MORE = re.compile(r", and \d+ other diagnostic\(s\)$")


def lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines() if path.exists() else []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: f"{folder.parent.name}/{folder.name}")
def test_print(
    folder: Path, tmp_path: Path, golden: Callable[[Path, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = shutil.copytree(folder, tmp_path / "project")
    argv = [word for line in lines(folder / "args") for word in shlex.split(line)]
    env = dict(line.split("=", 1) for line in lines(folder / "env"))

    printed = bake(monkeypatch, copy, *argv, env=env)

    golden(folder / "expected.json", printed.out)
    expected = "\n".join(lines(folder / "expected.err"))
    message = printed.message if printed.code else ""
    same = MORE.sub("", expected) == MORE.sub("", message)
    golden(folder / "expected.err", f"{expected if same else message}\n" if message else "")


def test_every_section_is_there() -> None:
    assert {folder.parent.name for folder in FOLDERS} == {
        "compose", "convert", "decode", "documented", "files", "inherit", "link", "matrix", "print", "reference",
        "select", "set", "unknown", "variables",
    }  # fmt: skip
