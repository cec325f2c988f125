"""What came of a run."""

from __future__ import annotations

from enum import Enum

from bakec.ir.records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from bakec.ir.diagnostics import Diagnostic, Exit
    from bakec.ir.plan import JobId, TargetName


class Outcome(Enum):
    """How a job ended."""

    BUILT = "built"
    CACHED = "cached"
    """Built without running a step."""
    DONE = "done before"
    """Finished by an earlier run that this one resumes."""
    FAILED = "failed"
    SKIPPED = "skipped"
    """Not built, because a job it uses was not."""
    CANCELLED = "cancelled"
    LEFT = "left out"
    """Not asked for: only what failed before is run."""

    @property
    def is_success(self) -> bool:
        return self in (Outcome.BUILT, Outcome.CACHED, Outcome.DONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResult:
    """One job. `response` is what the exporters said, `text` the message of a sub-request (`call`)."""

    id: JobId
    target: TargetName
    outcome: Outcome
    seconds: float = 0.0
    digest: str = ""
    """`containerimage.digest`, where an image was made."""
    response: Mapping[str, str] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()
    attempts: int = 1
    warnings: tuple[Mapping[str, object], ...] = ()
    """What the frontend warned of, in the form of the metadata file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """All jobs in the plan's order. `diagnostics` are those of no single job (a daemon that is gone) and
    those of the jobs; `exit` is the code of the command line."""

    jobs: tuple[JobResult, ...]
    exit: Exit
    diagnostics: tuple[Diagnostic, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    seconds: float = 0.0
