"""A run's history for test dashboards: a target is a test case."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

from bakec.runtime.history import cause

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bakec.runtime.history import History, JobHistory

NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(history: History) -> str:
    failures = sum(job.outcome == "failed" for job in history.jobs)
    skipped = sum(_tag(job) == "skipped" for job in history.jobs)
    cases = "".join(map(_case, history.jobs))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<testsuite name="bakec" tests="{len(history.jobs)}" failures="{failures}" skipped="{skipped}" '
        f'time="{history.seconds:.3f}">\n{cases}</testsuite>\n'
    )


def _case(job: JobHistory) -> str:
    head = f'  <testcase classname="bakec" name={quoteattr(job.target)} time="{job.seconds:.3f}"'
    tag = _tag(job)
    if not tag:
        return f"{head}/>\n"
    why = NOT_IN_XML.sub("\ufffd", cause(job)) or job.outcome
    return f"{head}>\n    <{tag} message={quoteattr(job.outcome)}>{escape(why)}</{tag}>\n  </testcase>\n"


def _tag(job: JobHistory) -> str:
    if job.outcome == "failed":
        return "failure"
    return "" if job.outcome in ("built", "cached", "done before") else "skipped"
