"""The flags of an instruction: which it has, and what was given."""

from __future__ import annotations

from bakec.compiler.dockerfile.faults import DockerfileError
from bakec.compiler.suggest import search
from bakec.ir.codes import dockerfile as codes
from bakec.ir.records import Enum, dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class FlagKind(Enum):
    TEXT = "text"
    SWITCH = "switch"
    LIST = "list"


@dataclass(slots=True)
class Flags:
    """What was given. A switch that was not is not in `switches`."""

    texts: dict[str, str] = field(default_factory=dict)
    switches: dict[str, bool] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)

    def text(self, name: str) -> str:
        return self.texts.get(name, "")

    def on(self, name: str) -> bool:
        return self.switches.get(name, False)

    def items(self, name: str) -> tuple[str, ...]:
        return tuple(self.lists.get(name, ()))


def read_flags(words: tuple[str, ...], known: Mapping[str, FlagKind]) -> Flags:
    """Read `--name[=value]` words against the flags an instruction has. Raises `DockerfileError`."""
    flags = Flags()
    for word in words:
        written, equals, value = word.partition("=")
        name = written[2:]
        if name not in known:
            raise DockerfileError(codes.UNKNOWN_FLAG, flag=written).suggesting(search(name, known))
        if name in flags.texts or name in flags.switches:
            raise DockerfileError(codes.FLAG_TWICE, flag=written)
        match known[name]:
            case FlagKind.SWITCH:
                flags.switches[name] = _switch(written, value, given=bool(equals))
            case _ if not equals:
                raise DockerfileError(codes.FLAG_VALUE, flag=written)
            case FlagKind.TEXT:
                flags.texts[name] = value
            case FlagKind.LIST:
                flags.lists.setdefault(name, []).append(value)
    return flags


def _switch(written: str, value: str, *, given: bool) -> bool:
    if given and not value:
        raise DockerfileError(codes.FLAG_VALUE, flag=written)
    match value.lower():
        case "true" | "":
            return True
        case "false":
            return False
        case _:
            raise DockerfileError(codes.FLAG_BOOL, flag=written, value=value)
