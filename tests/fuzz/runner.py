"""The other end of `isolated`: a process that is started anew when it dies or takes too long."""

import json
import select
import subprocess
import sys
from pathlib import Path

from tests.fuzz.isolated import SECONDS

ROOT = Path(__file__).parents[2]


class Runner:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[str] | None = None

    def run(self, name: str, text: str, sets: list[str] | None = None, variables: list[str] | None = None) -> str:
        """`ok`, `failed` (with a message), or what went wrong."""
        return self.explore(name, text, sets or [], variables or [], guided=False)[0]

    def explore(
        self, name: str, text: str, sets: list[str], variables: list[str], *, guided: bool = True
    ) -> tuple[str, int]:
        """The same, and how many lines of the compiler ran that had not run before in this process."""
        process = self.process = self.process or self._start()
        assert process.stdin and process.stdout
        process.stdin.write(json.dumps([name, text, sets, variables, guided]) + "\n")
        process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], SECONDS)
        line = process.stdout.readline() if ready else ""
        if line:
            outcome, gained = json.loads(line)
            return str(outcome), int(gained)
        self.close()
        return ("died" if ready else f"took more than {SECONDS} seconds"), 0

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.isolated"], cwd=self.folder, env={"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip

    def close(self) -> None:
        if self.process:
            self.process.kill()
            self.process.communicate()
            self.process = None
