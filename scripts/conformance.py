"""The corpus of real definitions, where it stands beside the checkout (`../shared/corpus`).

Every recorded run is made with our command line and must give what the reference printed; where that failed, ours
must fail too, with the same message in 95% of the runs. Prints what differs and `N of M`; exits 1 if too much does.
"""

import contextlib
import io
import json
import os
import re
import shlex
import socket
import sys
from collections.abc import Iterator
from multiprocessing import Pool
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT.parent / "shared" / "corpus"
CLOCK = re.compile(
    r"20\d\d[-./]?\d\d[-./]?\d\d(?:[T _-]?\d\d[:-]?\d\d(?:[:-]?\d\d)?(?:Z|[+-]\d\d:?\d\d)?)?|\b1[78]\d{8}\b"
)


class Run(NamedTuple):
    folder: Path
    case: Path
    data: dict[str, Any]


def runs() -> Iterator[Run]:
    for kind in ("cases", "synthetic"):
        for case in sorted((CORPUS / kind).iterdir()):
            for file in sorted(case.glob("runs/*/run.json")):
                data = json.loads(file.read_text())
                if not data.get("nondeterministic"):
                    yield Run(file.parent, case, data)


def attempt(run: Run) -> str:
    """What is wrong with our result, or an empty string. Runs in a process of its own pool, one run at a time."""
    from bakec.cli.main import main as bakec

    os.chdir(run.case)
    os.environ.clear()
    os.environ.update({"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "DOCKER_HOST": "unix:///nonexistent"})
    os.environ.update(run.data["env"])
    os.environ["BAKEC_DEBUG"] = "1"
    stdin = (run.case / run.data["stdin"]).read_bytes() if run.data.get("stdin") else b""
    out, err = io.StringIO(), io.StringIO()
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = bakec(["bake", *run.data["argv"]])
    if run.data["exit"]:
        return wrong_message(run, err.getvalue()) if code else "expected an error"
    if code:
        return err.getvalue()[-300:]
    wanted = (run.folder / "stdout.json").read_text("utf-8")
    return "" if plain(run, out.getvalue()) == plain(run, wanted) else "another result"


def wrong_message(run: Run, err: str) -> str:
    """Another message is worth a line, but only one in twenty."""
    wanted = (run.folder / "error.txt").read_text("utf-8").partition("ERROR: ")[2].strip()
    given = err.rpartition("ERROR: ")[2].strip()
    if given == wanted or run.data.get("nondeterministic_error_text"):
        return ""
    return f"{MESSAGE}\n      {wanted[:300]}\n      {given[:300]}"


MESSAGE = "another message"


def plain(run: Run, text: str) -> Any:
    """Parsed JSON, without what differs between two runs of the reference."""
    if run.data.get("uses_clock"):
        text = CLOCK.sub("<TIME>", text)
    data = json.loads(text)
    if run.data.get("unordered_groups"):
        for group in (data.get("group") or {}).values():
            group["targets"] = sorted(group["targets"] or [])
    return unordered(data, run.data.get("unordered_lists") or [])


def unordered(node: Any, names: list[str]) -> Any:
    if isinstance(node, dict):
        return {
            key: sorted((unordered(one, names) for one in value), key=json.dumps)
            if key in names and isinstance(value, list)
            else unordered(value, names)
            for key, value in node.items()
        }
    return [unordered(one, names) for one in node] if isinstance(node, list) else node


def main() -> int:
    if not CORPUS.is_dir():
        print("conformance: the corpus is not at hand; nothing was compared")
        return 1 if "CI" in os.environ else 0
    found = list(runs())
    with agent(), Pool() as pool:
        results = pool.map(attempt, found, chunksize=8)
    bad = [(run, why) for run, why in zip(found, results, strict=True) if why]
    worded = sum(why.startswith(MESSAGE) for _, why in bad)
    errors = sum(bool(run.data["exit"]) for run in found)
    for run, why in bad:
        print(f"{run.folder.relative_to(CORPUS)}: {shlex.join(run.data['argv'])}\n    {why.strip()}")
    print(f"conformance: {len(found) - len(bad) + worded} of {len(found)}; {errors - worded} of {errors} messages")
    return 0 if len(bad) == worded and worded * 20 <= errors else 1


class agent:  # noqa: N801 - a context manager
    """The socket that runs with SSH name; it only has to exist."""

    path = Path("/tmp/bakec-corpus/agent.sock")

    def __enter__(self) -> None:
        self.path.parent.mkdir(exist_ok=True)
        self.path.unlink(missing_ok=True)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(self.path))

    def __exit__(self, *_: object) -> None:
        self.socket.close()
        self.path.unlink(missing_ok=True)


if __name__ == "__main__":
    raise SystemExit(main())
