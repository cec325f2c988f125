"""What a run gives: JSON or a message, from this compiler or from the reference."""

import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

from bakec.cli.bake_json import bake_json
from bakec.compiler.host import Host
from bakec.compiler.options import CompileOptions
from bakec.compiler.pipeline import load, printable
from bakec.compiler.render.ranges import messages
from bakec.ir.diagnostics import Diagnostics, Failed
from tests.differential.generate import Case


class Outcome(NamedTuple):
    """`json` is None where the run failed with `message`."""

    json: Any
    message: str = ""


def write(case: Case, folder: Path) -> None:
    (folder / "f.txt").write_text("x")
    for name, text in case.files.items():
        (folder / name).write_text(text, "utf-8")


def ours(case: Case, folder: Path, *, traces: bool = False) -> Outcome:
    sets = tuple(arg.removeprefix("--set=") for arg in case.args if arg.startswith("--set="))
    targets = tuple(arg for arg in case.args if not arg.startswith("--"))
    options = CompileOptions(files=tuple(case.files), targets=targets or ("default",), sets=sets, traces=traces)
    host = Host(env=case.env, cwd=folder, stdin=lambda: b"")
    try:
        _, _, selection = load(options, host, Diagnostics())
        view = printable(selection, host)
    except Failed as error:
        return Outcome(None, messages(error.diagnostics))
    return Outcome(json.loads(bake_json(view)))


def reference(case: Case, folder: Path, env: dict[str, str]) -> Outcome:
    """The same with `docker buildx bake --print`; `env` is what docker itself needs."""
    files = [f"--file={name}" for name in case.files]
    done = subprocess.run(
        ["docker", "buildx", "bake", "--print", "--progress=quiet", *files, *case.args],
        cwd=folder, env={**env, **case.env}, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
        check=False,
    )  # fmt: skip
    if done.returncode:
        return Outcome(None, done.stderr.rpartition("ERROR: ")[2].strip())
    return Outcome(json.loads(done.stdout))


def comparable(outcome: Outcome, case: Case) -> Any:
    """Without what has no order in the reference."""
    if outcome.json is None or not case.unordered:
        return outcome.json
    groups = {name: {**group, "targets": sorted(group["targets"])} for name, group in outcome.json["group"].items()}
    return {**outcome.json, "group": groups}
