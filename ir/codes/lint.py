"""BK8: what is allowed, means something, and is most likely not what was meant."""

from __future__ import annotations

from bakec.ir.diagnostics import Rule, Severity

UNKNOWN_ATTRIBUTE = Rule(
    "BK801", 'A {block} has no attribute "{name}": it is ignored',
    explain="Attributes of `target`, `group` and `variable` blocks that the language does not know are not even "
    "evaluated, so that a spelling mistake goes unnoticed. It is no error, because other tools may read them.",
    severity=Severity.WARNING,
)  # fmt: skip
UNKNOWN_BLOCK = Rule(
    "BK802", 'There is no "{name}" block {where}: it is ignored',
    explain="Blocks of an unknown type are skipped with all that is in them.", severity=Severity.WARNING,
)  # fmt: skip
SHARED_TAG = Rule(
    "BK803", "{targets} publish one tag, {tag}: the last one to finish wins",
    explain="Targets are built side by side, so which image a shared tag names in the end is a matter of luck.",
    hint="give each target a tag of its own", severity=Severity.WARNING,
)  # fmt: skip
DEPRECATED_KEY = Rule(
    "BK804", "{name} is deprecated: {reason}", explain="There is a newer way to say it, which does more.",
    hint="{instead}", severity=Severity.WARNING,
)  # fmt: skip
UNUSED_VARIABLE = Rule(
    "BK805", 'Nothing uses variable "{name}"',
    explain="No expression of any definition file names the variable, so setting it changes nothing.",
    severity=Severity.WARNING,
)  # fmt: skip
UNUSED_TARGET = Rule(
    "BK806", 'Nothing leads to target "{name}"',
    explain="No group lists the target, nothing inherits from it, links to it or refers to it. It can only be built "
    "by its own name. Files without groups are not checked.",
    hint="list it in a group, or remove it", severity=Severity.WARNING,
)  # fmt: skip
HIDDEN_DEPENDENCY = Rule(
    "BK807", 'Target "{name}" builds on {image}, which target "{maker}" makes, without a link to it',
    explain="The Dockerfile takes an image by a tag that another target of this run publishes. Both are built side by "
    "side, so the image is an older one, or missing. A link makes the one wait for the other and use its result.",
    hint='contexts = {{ "{image}" = "target:{maker}" }}', severity=Severity.WARNING,
)  # fmt: skip
MANY_JOBS = Rule(
    "BK808", "{count} targets in one run: the docker driver loses builds beyond about {limit}",
    explain="The builder inside of the Docker Engine keeps only so many builds at once. Builders of the other drivers "
    "have no such limit.",
    hint="use a docker-container builder, or run the groups one by one", severity=Severity.WARNING,
)  # fmt: skip
SHARED_CACHE = Rule(
    "BK809", "{targets} export their cache to one place, {place}: the last one to finish wins",
    explain="A cache export replaces what was there, so of several targets only one finds its cache again.",
    hint="give each target a place of its own, as in ref=user/app:cache-NAME or scope=NAME",
    severity=Severity.WARNING,
)  # fmt: skip
MORE = Rule(
    "BK810", "{count} more warnings like these: {codes}",
    explain="Of each kind only the first few warnings are shown while something else is being done.",
    hint="`bakec lint` shows all of them", severity=Severity.WARNING,
)  # fmt: skip
