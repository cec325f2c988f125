"""The global scope of a Dockerfile: predefined arguments and the ARGs in front of the first FROM."""

from __future__ import annotations

from bakec.compiler.dockerfile.expand import expand
from bakec.compiler.dockerfile.faults import DockerfileError
from bakec.compiler.dockerfile.outline import KnownArgument
from bakec.ir.platforms import full_name, short_name
from bakec.ir.records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bakec.compiler.dockerfile.expand import Mode
    from bakec.compiler.dockerfile.instructions import Arg, Argument
    from bakec.ir.platforms import Platform


@dataclass(slots=True)
class GlobalScope:
    """`variables` in order of last assignment; `known` are the declared ones."""

    variables: dict[str, str]
    known: dict[str, KnownArgument] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys([*(item.argument.key for item in self.known.values()), *self.variables]))


def assign(variables: dict[str, str], key: str, value: str) -> None:
    """Set a variable, which moves it to the end of the list."""
    variables.pop(key, None)
    variables[key] = value


def predefined(worker: Platform, target: Platform, overrides: Mapping[str, str], stage: str) -> dict[str, str]:
    """The arguments that are there without being declared; build arguments of the same name win."""
    values = {
        "BUILDPLATFORM": short_name(worker),
        "BUILDOS": worker.os,
        "BUILDOSVERSION": worker.os_version,
        "BUILDARCH": worker.architecture,
        "BUILDVARIANT": worker.variant,
        "TARGETPLATFORM": full_name(target),
        "TARGETOS": target.os,
        "TARGETOSVERSION": target.os_version,
        "TARGETARCH": target.architecture,
        "TARGETVARIANT": target.variant,
        "TARGETSTAGE": stage or "default",
    }
    return {key: overrides.get(key, value) for key, value in values.items()}


def with_meta_args(
    variables: Mapping[str, str], instructions: Iterable[Arg], build_args: Mapping[str, str], mode: Mode
) -> GlobalScope:
    """The scope after the global ARGs. Raises `DockerfileError`."""
    scope = GlobalScope(dict(variables))
    for instruction in instructions:
        for argument in instruction.arguments:
            known = KnownArgument(argument, instruction.written.lines)
            value = build_args.get(argument.key)
            if value is None and argument.value is not None:
                value = _default(argument, known, scope, mode)
            if value is not None:
                assign(scope.variables, argument.key, value)
                known.value = value
            scope.known[argument.key] = known
    return scope


def _default(argument: Argument, known: KnownArgument, scope: GlobalScope, mode: Mode) -> str:
    try:
        found = expand(argument.value or "", scope.variables, mode)
    except DockerfileError as fault:
        raise fault.at(known.lines) from None
    known.needs = dict(found.matched)
    if argument.key in known.needs:
        del known.needs[argument.key]
        old = scope.known.get(argument.key)
        known.needs |= old.needs if old else {}
    return found.text
