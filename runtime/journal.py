"""The journal of a run: which jobs of a plan have finished, one JSON object a line.

A line is written and flushed when a job ends, so that a run that was killed can be taken up again. The first
line names the plan: a journal is of no use for another one.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from bakec.ir.codes.run import JOURNAL
from bakec.ir.diagnostics import Failed, fail
from bakec.ir.plan import JobId, Plan

FORMAT = 1


class Journal:
    def __init__(self, path: Path, plan: Plan) -> None:
        self._path = path
        self._plan = identity(plan)
        self._is_begun = False

    def read(self) -> dict[JobId, Mapping[str, str]]:
        """The finished jobs and what their exporters said; nothing when there is no journal yet. A last line
        that was cut off is left out. Raises `Failed` for the journal of another plan."""
        try:
            head, *lines = self._path.read_text().splitlines() or [""]
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._unusable(error.strerror or str(error)) from error
        entries = [entry for entry in map(_parse, lines) if entry]
        if _parse(head) != self._heading():
            raise self._unusable("it belongs to another plan")
        self._is_begun = True
        return {JobId(str(entry["job"])): _response(entry) for entry in entries}

    def note(self, job: JobId, response: Mapping[str, str]) -> None:
        try:
            with self._path.open("a" if self._is_begun else "w") as journal:
                if not self._is_begun:
                    journal.write(json.dumps(self._heading()) + "\n")
                journal.write(json.dumps({"job": job, "response": dict(response)}) + "\n")
        except OSError as error:
            raise self._unusable(error.strerror or str(error)) from error
        self._is_begun = True

    def _heading(self) -> dict[str, object]:
        return {"journal": FORMAT, "plan": self._plan}

    def _unusable(self, reason: str) -> Failed:
        return fail(JOURNAL.at(None, path=self._path, reason=reason))


def identity(plan: Plan) -> str:
    """A digest of what a plan does; records have a fixed text form."""
    return hashlib.sha256(repr((plan.jobs, sorted(plan.ops))).encode()).hexdigest()


def _response(entry: Mapping[str, object]) -> Mapping[str, str]:
    found = entry.get("response")
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _parse(line: str) -> dict[str, object] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
