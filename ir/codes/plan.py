"""BK6: plan files."""

from __future__ import annotations

from bakec.ir.diagnostics import Exit, Rule

UNREADABLE = Rule(
    "BK601", "cannot read plan {path}: {reason}", explain="The file cannot be opened or is too large.",
    exit=Exit.PLAN,
)  # fmt: skip
NOT_A_PLAN = Rule(
    "BK602", "{path} is not a plan: {reason}",
    explain="The file is damaged, truncated, or was not written by bakec.", hint="compile it again",
    exit=Exit.PLAN,
)  # fmt: skip
FORMAT = Rule(
    "BK603", "plan {path} has format {found}, this version reads up to {known}",
    explain="The plan was written by a newer version.", hint="update bakec, or compile again with this version",
    exit=Exit.PLAN,
)  # fmt: skip
FEATURE = Rule(
    "BK604", "plan {path} needs a feature this version does not have: {features}",
    explain="A plan names what its reader must understand; running it without would do something else.",
    hint="update bakec", exit=Exit.PLAN,
)  # fmt: skip
DIGEST = Rule(
    "BK605", "plan {path} was changed after it was written: its digest does not match",
    explain="A plan carries the digest of its body, so that what runs is what was reviewed.",
    hint="compile it again", exit=Exit.PLAN,
)  # fmt: skip
INVALID = Rule(
    "BK606", "plan {path} is not sound: {reason}",
    explain="Parts of the plan contradict each other: a job that needs one that is missing or comes later, a name "
    "that occurs twice, a path that is absolute, an operation whose digest is not its own.",
    exit=Exit.PLAN,
)  # fmt: skip
NO_TARGET = Rule(
    "BK607", "the plan has no target {name}", explain="A target was named that the plan does not hold.",
    exit=Exit.USAGE,
)  # fmt: skip
NO_VALUE = Rule(
    "BK608", "target {name} has no {path}",
    explain="`explain` names a value as `print` shows it: `app.tags[0]`, `app.args.VERSION`, `app.context`.",
    exit=Exit.USAGE,
)  # fmt: skip
NOT_IN_RUN = Rule(
    "BK609", "{name} takes no part in the run",
    explain="Nothing that was asked for leads to it: no group holds it, no context links to it, no target inherits it.",
    exit=Exit.USAGE,
)  # fmt: skip
NO_SIDE = Rule(
    "BK610", "cannot compare {side}: no such file, and {reason}",
    explain="Each side of a diff is a plan file, a definition file (several with commas between), a folder, or a git "
    "revision.",
    exit=Exit.USAGE,
)  # fmt: skip
GIT = Rule(
    "BK611", "cannot read revision {revision}: {reason}",
    explain="`git` could not list or read the files of a revision.",
    exit=Exit.USAGE,
)  # fmt: skip
