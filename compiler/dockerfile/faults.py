"""How a conversion stops: one fault of one rule, with the lines it is about."""

from __future__ import annotations

from bakec.compiler.csv import CsvError, parse_record
from bakec.ir.codes.dockerfile import CSV
from bakec.ir.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bakec.ir.diagnostics import Rule


class Lines(NamedTuple):
    """The physical lines `first` to `last` (from 1) of an instruction. Line 0 is no line of the file."""

    first: int
    last: int

    @property
    def numbers(self) -> range:
        return range(self.first, max(self.first, self.last) + 1)


NO_LINES = Lines(0, 0)
"""Of what stands in no file."""


class DockerfileError(Exception):
    """A Dockerfile that cannot be lowered. `locations` are the places the reference names, None for one without
    lines; each layer on the way up may add its own."""

    def __init__(self, rule: Rule, **values: object) -> None:
        self.rule = rule
        self.message = rule.summary.format(**values)
        self.locations: list[Lines | None] = []
        self.unknown = False
        """The file may be right: something about the world that it needs was not known."""
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message

    def copy(self) -> DockerfileError:
        """The same fault once more: a remembered one must not gather the locations of every use."""
        twin = DockerfileError.__new__(DockerfileError)
        twin.rule, twin.message, twin.locations = self.rule, self.message, list(self.locations)
        twin.unknown = self.unknown
        return twin

    def from_ignorance(self) -> DockerfileError:
        """Mark that knowing more, from a lock file or at run time, may help."""
        self.unknown = True
        return self

    def at(self, lines: Lines | None) -> DockerfileError:
        """Add a location."""
        self.locations.append(lines)
        return self

    def only_at(self, lines: Lines | None) -> DockerfileError:
        """Replace the locations by one."""
        self.locations = [lines]
        return self

    def within(self, prefix: str) -> DockerfileError:
        """Put `prefix: ` in front of the message."""
        self.message = f"{prefix}: {self.message}"
        return self

    def suggesting(self, name: str) -> DockerfileError:
        """Add the nearest known name, if there is one."""
        if name:
            self.message += f" (did you mean {name}?)"
        return self


def csv_fields(line: str, prefix: str) -> list[str]:
    """The fields of a flag such as `--mount`. Raises `DockerfileError` whose text starts with `prefix`."""
    try:
        return parse_record(line)
    except CsvError as error:
        raise DockerfileError(CSV, problem=f"{prefix}: {error}" if prefix else error) from None
