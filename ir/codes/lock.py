"""BK65: lowering at compile time, and the lock file that makes it possible."""

from __future__ import annotations

from bakec.ir.diagnostics import Exit, Rule, Severity

NOT_LOWERED = Rule(
    "BK650",
    "target `{target}` cannot be lowered: {reason}",
    explain="With `--lower llb` every target must become LLB when it is compiled. This one depends on something that "
    "only a builder can say.",
    hint="compile with --lower auto to leave such targets to the frontend",
)
NOT_PINNED = Rule(
    "BK651",
    "target `{target}`: {what} is not pinned in {path}",
    explain="With `--locked` every image and repository that a target reads must stand in the lock file with its "
    "digest.",
    hint="run `bakec lock`",
)
LOCK_UNREADABLE = Rule(
    "BK652",
    "cannot use lock file {path}: {reason}",
    explain="The lock file is not one that `bakec lock` wrote, or was damaged when it was edited or merged.",
    hint="run `bakec lock` to write it anew",
)
DOCKERFILE = Rule(
    "BK653",
    "target `{target}`: {reason}",
    explain="The Dockerfile of a target has a mistake. The target is compiled as a job of the frontend, which will "
    "report the same mistake when the plan runs.",
    severity=Severity.WARNING,
)
LOCK_STALE = Rule(
    "BK654",
    "{path} is out of date: {what}",
    explain="`bakec lock --check` compares the lock file with what the builder finds now, and writes nothing.",
    hint="run `bakec lock`",
    exit=Exit.DIFFERENT,
)
CANNOT_RESOLVE = Rule(
    "BK655",
    "cannot resolve {ref}: {reason}",
    explain="The builder could not find the image or repository: the name is wrong, the registry cannot be reached, "
    "or it wants a login that is not in the Docker configuration.",
    hint="check the name, and that `docker login` was done for its registry",
    exit=Exit.DRIVER,
)
NOT_LOCKABLE = Rule(
    "BK656",
    "target `{target}`: its images cannot be locked: {reason}",
    explain="Which images a target reads stands in its Dockerfile, and this one cannot be read here.",
    severity=Severity.WARNING,
)
UNKNOWN_REF = Rule(
    "BK657",
    "nothing named `{name}` is used by the targets",
    explain="`--update` takes an image or repository as it is written in a Dockerfile or in the lock file.",
    exit=Exit.USAGE,
)
OTHER_BUILDER = Rule(
    "BK658",
    "target `{target}` was compiled for a builder of platform {wanted}, and this one is {found}",
    explain="A target that names no platform is built for that of the builder, and the plan holds its build graph for "
    "one platform.",
    hint="compile again with --build-platform {found}, or with --lower frontend",
    exit=Exit.DRIVER,
)
LACKS_CAPABILITY = Rule(
    "BK659",
    "target `{target}`: this builder lacks {caps}",
    explain="The plan holds a build graph with operations that the builder does not know.",
    hint="compile with --lower frontend, or use a newer builder",
    exit=Exit.DRIVER,
)
BAD_PLATFORM = Rule(
    "BK660",
    "{text} is no platform: {reason}",
    explain="`--build-platform` takes operating system, architecture and variant, as in linux/arm64.",
    exit=Exit.USAGE,
)
NO_GRAPH = Rule(
    "BK661",
    "no build graph of {what}: {reason}",
    explain="The plan leaves this target to the frontend, so its graph is made when the plan runs; or it has no such "
    "target.",
    hint="`bakec show` tells which targets are lowered",
    exit=Exit.PLAN,
)
ONE_GRAPH = Rule(
    "BK662",
    "--format raw prints one graph, and there are several: {names}",
    explain="The protobuf form has no place for the name of a target or platform.",
    hint="choose one with --target and --platform",
    exit=Exit.USAGE,
)
BAD_OP = Rule(
    "BK663",
    "target `{target}`: its build graph cannot be read: {reason}",
    explain="The plan holds an operation that is not LLB, or a directory of a target that is not in the plan.",
    hint="compile it again",
    exit=Exit.PLAN,
)
