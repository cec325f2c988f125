"""A run's history for a job summary or a comment on a change."""

from __future__ import annotations

import base64

from bakec.runtime.history import cause, counts
from bakec.runtime.reports import timeline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bakec.runtime.history import History, JobHistory


def render(history: History) -> str:
    total = ", ".join(f"{count} {outcome}" for outcome, count in counts(history).items())
    picture = base64.b64encode(timeline.render(history).encode()).decode()
    lines = [
        f"**{total or 'no jobs'}** in {history.seconds:.1f}s",
        "",
        "| target | outcome | time | cached steps | digest | |",
        "| --- | --- | ---: | ---: | --- | --- |",
        *map(_row, history.jobs),
        "",
    ]
    if history.critical:
        lines += [f"Critical path: {' → '.join(map(_cell, history.critical))}", ""]
    lines.append(f"![timeline](data:image/svg+xml;base64,{picture})")
    return "\n".join(lines) + "\n"


def _row(job: JobHistory) -> str:
    digest = f"`{job.digest[:19]}`" if job.digest else ""
    cells = (_cell(job.target), job.outcome, f"{job.seconds:.1f}s", f"{job.cached}/{job.steps}", digest)
    return f"| {' | '.join(cells)} | {_cell(cause(job))} |"


def _cell(text: str) -> str:
    """Text of others must not end its cell, nor be read as markup."""
    plain = " ".join(text.split())
    for char, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "&#124;"), ("`", "&#96;"), ("[", "&#91;")):
        plain = plain.replace(char, entity)
    return plain
