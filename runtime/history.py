"""What a journal tells of a run, put together for people: outcomes, times, and what the time was spent on."""

from __future__ import annotations

from bakec.ir.records import dataclass, field
from bakec.runtime import journal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path
    from typing import Any


@dataclass(slots=True, kw_only=True)
class JobHistory:
    """One job. Times are seconds since the run began; those of a run that was taken up again follow on."""

    id: str
    target: str
    needs: tuple[str, ...] = ()
    outcome: str = "not begun"
    """One of `results.Outcome`, `not begun`, or `unfinished` for one that was going on when the run was killed."""
    seconds: float = 0.0
    work: tuple[tuple[str, float, float], ...] = ()
    """Phase, start, end; between them the job waited for others or for a slot."""
    attempts: int = 1
    steps: int = 0
    cached: int = 0
    because: str = ""
    error: str = ""
    digest: str = ""

    @property
    def busy(self) -> float:
        return sum(end - start for _, start, end in self.work)


@dataclass(slots=True, kw_only=True)
class History:
    jobs: tuple[JobHistory, ...]
    runs: int = 0
    seconds: float = 0.0
    exit: int | None = None
    """None for a run that was killed."""
    critical: tuple[str, ...] = field(default=())
    """Targets of the chain of needs that took longest, first to last."""


def read(path: Path) -> History:
    """Raises `Failed` for a file that is not a journal."""
    heading, *entries = journal.read(path)
    jobs = {
        str(job["id"]): JobHistory(id=str(job["id"]), target=str(job["target"]), needs=tuple(map(str, job["needs"])))
        for job in heading.get("jobs", ())
    }
    history = History(jobs=tuple(jobs.values()))
    began, passed, now = 0.0, 0.0, 0.0
    for entry in entries:
        at = float(entry.get("at", 0.0))
        if "run" in entry:
            history.runs += 1
            history.exit = None
            passed, began = now, at
        now = max(now, passed + at - began)
        if "over" in entry:
            history.exit = int(entry["over"])
        elif "start" in entry and entry["start"] in jobs:
            jobs[entry["start"]].outcome = "unfinished"
        elif "end" in entry and entry["end"] in jobs:
            _end(jobs[entry["end"]], entry, began - passed)
    history.seconds = now
    history.critical = tuple(critical_path(history.jobs))
    return history


def _end(job: JobHistory, entry: Mapping[str, Any], zero: float) -> None:
    job.outcome = str(entry.get("outcome", ""))
    job.seconds = float(entry.get("seconds", 0.0))
    job.work = tuple((str(phase), start - zero, end - zero) for phase, start, end in entry.get("work", ()) if end)
    job.attempts, job.steps, job.cached = (int(entry.get(key, 0)) for key in ("attempts", "steps", "cached"))
    job.because, job.error = str(entry.get("because", "")), str(entry.get("error", ""))
    job.digest = str(entry.get("response", {}).get("containerimage.digest", ""))


def critical_path(jobs: Iterable[JobHistory]) -> Sequence[str]:
    """The chain of jobs that need each other with the most work in it. Jobs come after those they need."""
    longest: dict[str, float] = {}
    before: dict[str, str] = {}
    names: dict[str, str] = {}
    for job in jobs:
        names[job.id] = job.target
        last = max(job.needs, key=lambda need: longest.get(need, 0.0), default="")
        longest[job.id] = job.busy + longest.get(last, 0.0)
        before[job.id] = last
    at = max(longest, key=lambda job: longest[job], default="")
    chain = []
    while at in names and longest[at] > 0:
        chain.append(names[at])
        at = before[at]
    return chain[::-1]


def counts(history: History) -> dict[str, int]:
    """How many jobs ended in which way, in the order in which they first occur."""
    found: dict[str, int] = {}
    for job in history.jobs:
        found[job.outcome] = found.get(job.outcome, 0) + 1
    return found


def cause(job: JobHistory) -> str:
    """Why a job has no result, in one line."""
    return f"because of {job.because}" if job.because else job.error
