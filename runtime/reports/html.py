"""A run's history as a page of one file that loads nothing."""

from __future__ import annotations

from html import escape

from bakec.runtime.history import cause, counts
from bakec.runtime.reports import timeline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from bakec.runtime.history import History, JobHistory

DIGEST_LENGTH: Final = len("sha256:") + 12
STYLE: Final = (
    "body{font:14px sans-serif;margin:2em}svg{max-width:100%;height:auto}table{border-collapse:collapse;margin:1em 0}"
    "td,th{padding:2px 10px;border-bottom:1px solid #ddd;text-align:left;vertical-align:top}td.n{text-align:right}"
    "td:last-child{overflow-wrap:anywhere}.failed{color:#a00}"
)


def render(history: History) -> str:
    total = ", ".join(f"{count} {outcome}" for outcome, count in counts(history).items())
    path = f"<p>Critical path: {escape(' → '.join(history.critical))}</p>\n" if history.critical else ""
    head = "".join(f"<th>{name}</th>" for name in ("target", "outcome", "time", "cached steps", "digest", ""))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>bakec run</title>\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<style>{STYLE}</style></head><body>\n<p><b>{total or 'no jobs'}</b> in {history.seconds:.1f}s</p>\n"
        f"{path}{timeline.render(history)}<table><tr>{head}</tr>\n"
        f"{''.join(map(_row, history.jobs))}</table>\n</body></html>\n"
    )


def _row(job: JobHistory) -> str:
    numbers = f'<td class="n">{job.seconds:.1f}s</td><td class="n">{job.cached}/{job.steps}</td>'
    return (
        f'<tr class="{escape(job.outcome)}"><td>{escape(job.target)}</td><td>{escape(job.outcome)}</td>{numbers}'
        f'<td><code title="{escape(job.digest)}">{escape(job.digest[:DIGEST_LENGTH])}</code></td>'
        f"<td>{escape(cause(job))}</td></tr>\n"
    )
