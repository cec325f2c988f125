"""What targets with a `call` (check, outline, targets, …) were answered: printed as the reference prints it."""

from __future__ import annotations

import json
import posixpath
import re

from bakec.cli.bake_json import bake_json
from bakec.ir.plan import FrontendSolve
from bakec.ir.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from bakec.ir.plan import Job, Plan
    from bakec.runtime.results import RunResult


class Form(NamedTuple):
    """How to print: `--call NAME[,format=json][,ignorestatus=true]`."""

    json: bool = False
    ignore_status: bool = False


def parse_form(text: str) -> Form:
    """The options behind the name of a `--call`."""
    options = dict(part.partition("=")[::2] for part in text.split(",") if "=" in part)
    return Form(options.get("format") == "json", options.get("ignorestatus", "").lower() in ("1", "t", "true"))


def print_calls(plan: Plan, result: RunResult, form: Form) -> int:
    """Print every answer, by target name. Returns the first exit code that is not 0."""
    answers = {str(one.target): one.response for one in result.jobs if one.outcome.is_success}
    called = sorted((job for job in plan.jobs if job.call and job.target in answers), key=lambda job: job.target)
    if not called:
        return 0
    codes = [_status(answers[job.target], form) for job in called]
    if form.json:
        print(_as_json(plan, called, answers))
    else:
        print("\n\n".join("\n".join(_as_text(job, answers[job.target])) for job in called))
    return next((code for code in codes if code), 0)


def _status(answer: Mapping[str, str], form: Form) -> int:
    if json.loads(answer.get("result.json") or "{}").get("buildError"):
        return 1
    text = answer.get("result.statuscode", "0")
    return 0 if form.ignore_status or not text.isdecimal() else int(text)


def _as_text(job: Job, answer: Mapping[str, str]) -> Iterator[str]:
    yield job.target
    if job.description:
        yield job.description
    yield ""
    text = answer.get("result.txt", "")
    if job.call == "lint":
        yield from _check(job, json.loads(answer.get("result.json") or "{}"), text)
    else:
        yield text.removesuffix("\n")


def _check(job: Job, result: Mapping[str, Any], text: str) -> Iterator[str]:
    count = len(result.get("warnings") or ())
    if count:
        found = "1 warning has been found!" if count == 1 else f"{count} warnings have been found!"
        yield f"Check complete, {found}"
        yield _placed(job, text).rstrip("\n")
    error = result.get("buildError")
    if error:
        yield f"error: {error.get('message', '')}"
    elif not count:
        yield "Check complete, no warnings found."


def _placed(job: Job, text: str) -> str:
    """The frontend knows the Dockerfile by its last name; people know it by its path."""
    attrs = job.solve.attrs if isinstance(job.solve, FrontendSolve) else {}
    name = attrs.get("filename", "Dockerfile")
    folder = next((local.path for local in job.locals if local.name == "dockerfile"), "")
    path = "inline" if job.dockerfile_inline else posixpath.normpath(posixpath.join(folder, name))
    return re.sub(rf"^{re.escape(name)}:(\d+)$", lambda found: f"{path}:{found[1]}", text, flags=re.MULTILINE)


def _as_json(plan: Plan, called: list[Job], answers: Mapping[str, Mapping[str, str]]) -> str:
    targets: dict[str, dict[str, Any]] = {target.name: {"build": target.view} for target in plan.targets}
    for job in called:
        answer = json.loads(answers[job.target].get("result.json") or "null")
        targets[job.target]["check" if job.call == "lint" else job.call] = answer and dict(sorted(answer.items()))
    groups = {group.name: {"targets": list(group.targets)} for group in plan.groups}
    return bake_json({"group": groups, "target": targets})
