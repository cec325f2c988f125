"""Running `bakec bake --print` in a folder, as docker buildx bake would be."""

import io
import json
import os
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bakec.cli.main import main


class Printed(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)

    @property
    def targets(self) -> Any:
        return self.json["target"]

    @property
    def message(self) -> str:
        """What stands behind `ERROR: ` at the end."""
        return self.err.rpartition("ERROR: ")[2].rstrip("\n")


def bake(patch: pytest.MonkeyPatch, folder: Path, *argv: str, env: dict[str, str] | None = None) -> Printed:
    """`bakec bake --print ARGV`, with nothing but `env` in the environment."""
    patch.chdir(folder)
    for name in list(os.environ):
        patch.delenv(name)
    for name, value in {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **(env or {})}.items():
        patch.setenv(name, value)
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["bake", "--print", *argv])
    return Printed(code, out.getvalue(), err.getvalue())
