"""The journal of a run: what happened to the jobs of one plan and when, one JSON object a line.

    {"journal": 2, "plan": DIGEST, "jobs": [{"id", "target", "needs"}]}     always first
    {"run": BUILDER, "at": T}                                               a run begins
    {"start": JOB, "at": T}
    {"end": JOB, "at": T, "outcome", "seconds", "work", "response", …}      what came of it
    {"over": EXIT, "at": T}                                                 the run has ended

Times are Unix seconds. Lines are only ever added, each in one write, so that a run that was killed at any moment
can be taken up again: a line that was cut off is left out.
"""

from __future__ import annotations

import fcntl
import json
import time
from typing import Any

from bakec.ir.codes.run import JOURNAL
from bakec.ir.diagnostics import Failed, fail
from bakec.ir.digests import sha256
from bakec.ir.plan import JobId
from bakec.ir.records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import TextIO

    from bakec.ir.plan import Plan

FORMAT = 2
Entry = dict[str, Any]


@dataclass(slots=True)
class Past:
    """What earlier runs came to: the responses of the jobs that have finished, and the jobs that have failed."""

    done: dict[JobId, Mapping[str, str]] = field(default_factory=dict)
    failed: set[JobId] = field(default_factory=set)


class Journal:
    def __init__(self, path: Path, plan: Plan) -> None:
        self._path = path
        self._head = json.dumps(_heading(plan)) + "\n"
        self._held: TextIO | None = None

    def begin(self, builder: str, *, resume: bool) -> Past:
        """Open the journal for a run; with `resume` the past is kept. Raises `Failed` for a file that is no journal,
        or that of another plan, or that another run is writing. Close it in the end."""
        self._hold()
        try:
            return self._begin(builder, resume=resume)
        except Failed:
            self.close()
            raise

    def _begin(self, builder: str, *, resume: bool) -> Past:
        text = _read(self._path)
        if text and not text.startswith('{"journal"'[: len(text)]):
            raise unusable(self._path, "it is not a journal")
        is_whole = text.startswith(self._head)
        if resume and not is_whole and not self._head.startswith(text):
            raise unusable(self._path, "it belongs to another plan")
        past = Past()
        if resume and is_whole:
            past = _past(parse(text))
            self._write("a", "" if text.endswith("\n") else "\n")
        else:
            self._write("w", self._head)
        self.note(run=builder)
        return past

    def _hold(self) -> None:
        """Two runs would mix their lines: keep others out until the journal is closed, or the process is gone."""
        try:
            self._held = self._path.open("a")
        except OSError as error:
            raise unusable(self._path, error.strerror or str(error)) from error
        try:
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.close()
            hint = "wait until it has ended, or name another file with --journal"
            raise unusable(self._path, "another run is writing it", hint) from error
        except OSError:
            return  # the file system has no locks

    def close(self) -> None:
        """Let others have it."""
        if self._held is not None:
            self._held.close()

    def note(self, **entry: object) -> None:
        """Add one line, stamped with the time. Raises `Failed`."""
        self._write("a", json.dumps({**entry, "at": round(time.time(), 3)}) + "\n")

    def _write(self, mode: str, text: str) -> None:
        try:
            with self._path.open(mode) as file:
                file.write(text)
        except OSError as error:
            raise unusable(self._path, error.strerror or str(error)) from error


def read(path: Path) -> list[Entry]:
    """The entries of a journal, its heading first. Raises `Failed` for anything else."""
    entries = list(parse(_read(path)))
    if not entries or entries[0].get("journal") != FORMAT:
        raise unusable(path, "it is not a journal" if path.exists() else "no such file")
    return entries


def parse(text: str) -> Iterator[Entry]:
    """The objects among the lines; the rest was cut off."""
    for line in text.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            yield value


def identity(plan: Plan) -> str:
    """A digest of what a plan does; records have a fixed text form."""
    return sha256(repr((plan.jobs, sorted(plan.ops))).encode())


def unusable(path: Path, reason: str, hint: str = "") -> Failed:
    return fail(JOURNAL.at(None, path=path, reason=reason, hint=hint))


def _heading(plan: Plan) -> Entry:
    jobs = [{"id": job.id, "target": job.target, "needs": [need.job for need in job.needs]} for job in plan.jobs]
    return {"journal": FORMAT, "plan": identity(plan), "jobs": jobs}


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise unusable(path, error.strerror or str(error)) from error


def _past(entries: Iterator[Entry]) -> Past:
    past = Past()
    for entry in entries:
        if "end" not in entry:
            continue
        job = JobId(str(entry["end"]))
        past.done.pop(job, None)
        past.failed.discard(job)
        if "response" in entry:
            past.done[job] = {str(key): str(value) for key, value in entry["response"].items()}
        elif entry.get("outcome") == "failed":
            past.failed.add(job)
    return past
