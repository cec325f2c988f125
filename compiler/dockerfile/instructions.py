"""Typed instructions: what each node of a parse tree means, before any variable is replaced."""

from __future__ import annotations

from bakec.ir.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from bakec.compiler.dockerfile.faults import Lines
    from bakec.compiler.dockerfile.heredoc import Heredoc
    from bakec.compiler.dockerfile.lint import Finding


class Written(NamedTuple):
    """How an instruction stands in the file: its name and text as written, its lines, the comments above it."""

    name: str
    code: str
    lines: Lines
    comments: tuple[str, ...] = ()


class Pair(NamedTuple):
    """`key=value` of ENV or LABEL; `legacy` for `key value`."""

    key: str
    value: str
    legacy: bool = False

    def __str__(self) -> str:
        return f"{self.key}={self.value}"


class Argument(NamedTuple):
    """One name of ARG, its default (None: none), and the comment that describes it."""

    key: str
    value: str | None = None
    description: str = ""


class Env(NamedTuple):
    written: Written
    pairs: tuple[Pair, ...]


class Label(NamedTuple):
    written: Written
    pairs: tuple[Pair, ...]


class Maintainer(NamedTuple):
    written: Written
    name: str


class InlineFile(NamedTuple):
    """A heredoc that is a source of COPY or ADD."""

    path: str
    text: str
    expand: bool


class Transfer(NamedTuple):
    """COPY or ADD. The fields that one of them lacks are empty."""

    written: Written
    is_add: bool
    sources: tuple[str, ...]
    files: tuple[InlineFile, ...]
    dest: str
    chown: str = ""
    chmod: str = ""
    link: bool = False
    exclude: tuple[str, ...] = ()
    origin: str = ""
    parents: bool = False
    keep_git_dir: bool | None = None
    checksum: str = ""
    unpack: bool | None = None


class Onbuild(NamedTuple):
    written: Written
    trigger: str


class Workdir(NamedTuple):
    written: Written
    path: str


class Command(NamedTuple):
    """A command line: words, or with `shell` one text for the shell."""

    words: tuple[str, ...]
    shell: bool


class Run(NamedTuple):
    written: Written
    command: Command
    heredocs: tuple[Heredoc, ...] = ()
    mounts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    """The `from=` of each mount."""
    network: str = "default"
    security: str = "sandbox"
    devices: tuple[str, ...] = ()


class Cmd(NamedTuple):
    written: Written
    command: Command


class Entrypoint(NamedTuple):
    written: Written
    command: Command


class Healthcheck(NamedTuple):
    """Durations in nanoseconds, 0 for the default."""

    written: Written
    test: tuple[str, ...]
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0


class Expose(NamedTuple):
    written: Written
    ports: tuple[str, ...]


class User(NamedTuple):
    written: Written
    user: str


class Volume(NamedTuple):
    written: Written
    paths: tuple[str, ...]


class StopSignal(NamedTuple):
    written: Written
    signal: str


class Arg(NamedTuple):
    written: Written
    arguments: tuple[Argument, ...]


class Shell(NamedTuple):
    written: Written
    words: tuple[str, ...]


Instruction: TypeAlias = (
    Env
    | Label
    | Maintainer
    | Transfer
    | Onbuild
    | Workdir
    | Run
    | Cmd
    | Entrypoint
    | Healthcheck
    | Expose
    | User
    | Volume
    | StopSignal
    | Arg
    | Shell
)


class Stage(NamedTuple):
    """FROM and the instructions up to the next one. `name` is lower case, empty if there is none."""

    base: str
    written: Written
    name: str = ""
    platform: str = ""
    description: str = ""
    instructions: tuple[Instruction, ...] = ()


class Dockerfile(NamedTuple):
    """A whole file, typed. `findings` are what lint has to say about it as it stands."""

    stages: tuple[Stage, ...]
    meta_args: tuple[Arg, ...]
    escape: str
    findings: tuple[Finding, ...]
