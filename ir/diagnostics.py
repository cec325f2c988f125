"""What the program tells its user: rules (declared once, in `ir.codes`), diagnostics, and how a stage reports them."""

from __future__ import annotations

from bakec.ir.records import Enum, IntEnum, dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bakec.ir.span import Span


class Severity(Enum):
    ERROR = "error"
    WARNING = "warning"


class Exit(IntEnum):
    """The exit codes of the command line."""

    OK = 0
    DIFFERENT = 1
    USAGE = 2
    DEFINITION = 3
    PLAN = 4
    BUILD = 5
    PUBLISH = 6
    DRIVER = 7
    REFUSED = 8
    INTERNAL = 70
    """A mistake of this program."""
    DEADLINE = 124
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that can be wrong. `summary`, `detail` and `hint` are `str.format` templates.

    Where the reference implementation has a message for it, `summary` and `detail` are that message's two parts
    (or `summary` alone is the whole message). `explain` is the paragraph printed in docs/diagnostics.md.
    """

    code: str
    summary: str
    detail: str = ""
    explain: str = ""
    hint: str = ""
    severity: Severity = Severity.ERROR
    exit: Exit = Exit.DEFINITION

    def at(
        self, subject: Span | None, /, *, context: Span | None = None, hint: str = "", **values: object
    ) -> Diagnostic:
        """A diagnostic of this rule about `subject`; `values` fill the templates."""
        return Diagnostic(
            rule=self,
            summary=self.summary.format(**values),
            detail=self.detail.format(**values),
            hint=hint or self.hint.format(**values),
            subject=subject,
            context=context,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One report. `subject` is the tight range at fault; `context`, where set, a wider one that holds it."""

    rule: Rule
    summary: str
    detail: str = ""
    hint: str = ""
    subject: Span | None = None
    context: Span | None = None

    @property
    def message(self) -> str:
        """`Summary; Detail`, as the reference prints it after the range."""
        return f"{self.summary}; {self.detail}" if self.detail else self.summary


@dataclass(slots=True)
class Diagnostics:
    """The list a stage reports into. A stage goes on after an error where it can; its caller asks `failed`."""

    items: list[Diagnostic] = field(default_factory=list)

    def add(self, diagnostic: Diagnostic) -> None:
        self.items.append(diagnostic)

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.items.extend(diagnostics)

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    @property
    def errors(self) -> list[Diagnostic]:
        return [item for item in self.items if item.rule.severity is Severity.ERROR]

    @property
    def failed(self) -> bool:
        return any(item.rule.severity is Severity.ERROR for item in self.items)

    def check(self) -> None:
        """Raise `Failed` if an error was reported: the border between two stages."""
        if self.failed:
            raise Failed(self.errors)


class Failed(Exception):
    """The work cannot go on; carries what to tell the user and decides the exit code."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("; ".join(item.message for item in self.diagnostics))

    @property
    def exit(self) -> Exit:
        return self.diagnostics[0].rule.exit


def fail(diagnostic: Diagnostic) -> Failed:
    """`raise fail(RULE.at(...))`: a failure of one diagnostic."""
    return Failed([diagnostic])
