"""What a target can be given: build arguments, secrets and agents, as `frontend.outline` lists them."""

from __future__ import annotations

from bakec.ir.records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bakec.compiler.dockerfile.faults import Lines
    from bakec.compiler.dockerfile.instructions import Argument


@dataclass(slots=True)
class KnownArgument:
    """An argument that was declared: its value, where, and the arguments its default refers to."""

    argument: Argument
    lines: Lines
    value: str = ""
    needs: dict[str, None] = field(default_factory=dict)


@dataclass(slots=True)
class KnownSecret:
    """A secret or agent some RUN asks for."""

    lines: Lines
    required: bool


@dataclass(slots=True)
class Outline:
    """What one stage declares and uses."""

    arguments: dict[str, KnownArgument] = field(default_factory=dict)
    used: dict[str, None] = field(default_factory=dict)
    secrets: dict[str, KnownSecret] = field(default_factory=dict)
    ssh: dict[str, KnownSecret] = field(default_factory=dict)

    def copy(self) -> Outline:
        return Outline(dict(self.arguments), dict(self.used), dict(self.secrets), dict(self.ssh))

    def mark_used(self) -> None:
        """Count the arguments that used arguments refer to as used."""
        waiting = list(self.used)
        while waiting:
            key = waiting.pop()
            self.used[key] = None
            known = self.arguments.get(key)
            waiting += [need for need in (known.needs if known else ()) if need not in self.used]
