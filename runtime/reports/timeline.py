"""A picture of a run: a row for each job, a bar for each phase of work. What is critical is outlined."""

from __future__ import annotations

from html import escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from bakec.runtime.history import History, JobHistory

COLORS: Final = {"solving": "#9db4d0", "building": "#4878a8", "finishing": "#7aa874"}
"""Of the phases of work; `WORDS` is what they are called in the legend."""
WORDS: Final = dict(zip(("read", "built", "exported"), COLORS.values(), strict=True))
FAILED: Final = "#c0504d"
ROW, LABEL, WIDTH, MARGIN = 18, 180, 640, 24
LETTERS: Final = 26


def render(history: History) -> str:
    """One SVG element, complete in itself."""
    height = MARGIN + ROW * (len(history.jobs) + 1) + 4
    total = history.seconds or 1.0
    rows = "\n".join(line for row, job in enumerate(history.jobs) for line in _row(history, job, row, total))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LABEL + WIDTH + 10} {height}" '
        f'width="{LABEL + WIDTH + 10}" font-family="sans-serif" font-size="11" role="img">\n'
        f"<title>timeline of the run</title>\n{_axis(total, height - ROW)}\n{rows}\n{_legend(height)}\n</svg>\n"
    )


def _axis(total: float, height: int) -> str:
    ticks = []
    for part in range(5):
        x = LABEL + WIDTH * part // 4
        ticks.append(f'<line x1="{x}" y1="{MARGIN - 6}" x2="{x}" y2="{height}" stroke="#ddd"/>')
        anchor = "end" if part == 4 else "start"
        ticks.append(f'<text x="{x}" y="{MARGIN - 10}" text-anchor="{anchor}">{total * part / 4:.1f}s</text>')
    return "\n".join(ticks)


def _legend(height: int) -> str:
    """What the colors mean."""
    parts = []
    for at, (name, color) in enumerate({**WORDS, "failed": FAILED, "critical path": "none"}.items()):
        x = LABEL + at * WIDTH // 5
        outline = ' stroke="#000"' if color == "none" else ""
        parts.append(f'<rect x="{x}" y="{height - 13}" width="10" height="10" fill="{color}"{outline}/>')
        parts.append(f'<text x="{x + 14}" y="{height - 4}">{name}</text>')
    return "\n".join(parts)


def _row(history: History, job: JobHistory, row: int, total: float) -> Iterator[str]:
    y = MARGIN + ROW * row
    name = job.target if len(job.target) <= LETTERS else job.target[: LETTERS - 1] + "…"
    yield f'<text x="{LABEL - 6}" y="{y + 12}" text-anchor="end">{escape(name)}</text>'
    outline = ' stroke="#000"' if job.target in history.critical else ""
    for phase, start, end in job.work:
        x, width = LABEL + WIDTH * start / total, max(1.0, WIDTH * (end - start) / total)
        color = FAILED if job.outcome == "failed" else COLORS.get(phase, "#888")
        hint = escape(f"{job.target}: {phase} {end - start:.2f}s")
        yield (
            f'<rect x="{x:.1f}" y="{y + 3}" width="{width:.1f}" height="{ROW - 6}" fill="{color}"{outline}>'
            f"<title>{hint}</title></rect>"
        )
