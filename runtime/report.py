"""What a run tells at its end."""

from __future__ import annotations

from bakec.runtime.results import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bakec.runtime.results import JobResult, RunResult

DIGEST_LENGTH = len("sha256:") + 12


def render(result: RunResult) -> str:
    """One line for each job: what came of it, how long it took, which image it made; then the sum."""
    width = max((len(job.target) for job in result.jobs), default=0)
    lines = [_line(job, width) for job in result.jobs]
    counts = [(outcome, sum(job.outcome is outcome for job in result.jobs)) for outcome in Outcome]
    total = ", ".join(f"{count} {outcome.value}" for outcome, count in counts if count)
    return "\n".join([*lines, f"{total or 'nothing to do'} in {result.seconds:.1f}s"]) + "\n"


def _line(job: JobResult, width: int) -> str:
    tries = f" after {job.attempts} attempts" if job.attempts > 1 else ""
    text = f"{job.target:<{width}}  {job.outcome.value + tries:<11}  {job.seconds:6.1f}s  {job.digest[:DIGEST_LENGTH]}"
    return text.rstrip()
