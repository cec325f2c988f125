"""A run's history for a terminal."""

from __future__ import annotations

from bakec.runtime.history import cause, counts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bakec.runtime.history import History

DIGEST_LENGTH = len("sha256:") + 12


def render(history: History) -> str:
    rows = [
        (job.target, job.outcome, f"{job.seconds:.1f}s", f"{job.cached}/{job.steps}", job.digest[:DIGEST_LENGTH])
        for job in history.jobs
    ]
    head = ("target", "outcome", "time", "cached", "digest")
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    causes = ["", *map(cause, history.jobs)]
    lines = []
    for row, why in zip((head, *rows), causes, strict=True):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        lines.append("  ".join([*cells, why]).rstrip())
    total = ", ".join(f"{count} {outcome}" for outcome, count in counts(history).items())
    lines += ["", f"{total or 'no jobs'} in {history.seconds:.1f}s"]
    if history.critical:
        lines.append(f"critical path: {' -> '.join(history.critical)}")
    if history.exit is None:
        lines.append("the run did not come to its end")
    return "\n".join(lines) + "\n"
