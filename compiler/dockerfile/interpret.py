"""From parse tree nodes to typed instructions, checked as far as can be without expanding anything."""

from __future__ import annotations

import re

from bakec.compiler.dockerfile.faults import DockerfileError, Lines
from bakec.compiler.dockerfile.flags import FlagKind, read_flags
from bakec.compiler.dockerfile.gotext import SPACE, lower
from bakec.compiler.dockerfile.heredoc import heredoc_word
from bakec.compiler.dockerfile.instructions import (
    Arg,
    Argument,
    Cmd,
    Command,
    Dockerfile,
    Entrypoint,
    Env,
    Expose,
    Healthcheck,
    InlineFile,
    Label,
    Maintainer,
    Onbuild,
    Pair,
    Run,
    Shell,
    Stage,
    StopSignal,
    Transfer,
    User,
    Volume,
    Workdir,
    Written,
)
from bakec.compiler.dockerfile.lint import (
    DESCRIPTION,
    DUPLICATE_STAGE_NAME,
    FROM_AS_CASING,
    INSTRUCTION_CASING,
    MAINTAINER,
    NO_EMPTY_CONTINUATION,
    RESERVED_STAGE_NAME,
    STAGE_NAME_CASING,
    Finding,
)
from bakec.compiler.dockerfile.mounts import check_device, mount_origin
from bakec.compiler.dockerfile.parse import INSTRUCTIONS
from bakec.compiler.suggest import search
from bakec.ir.codes import dockerfile as codes
from bakec.ir.durations import DurationError, parse_duration
from bakec.ir.quoting import quote
from bakec.ir.strconv import NumberError, parse_int

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from bakec.compiler.dockerfile.flags import Flags
    from bakec.compiler.dockerfile.instructions import Instruction
    from bakec.compiler.dockerfile.parse import Node, Tree


class InvalidDockerfileError(Exception):
    """A file that could not be typed: the fault, and what lint said until then."""

    def __init__(self, fault: DockerfileError, findings: tuple[Finding, ...]) -> None:
        self.fault = fault
        self.findings = findings
        super().__init__(str(fault))


_TEXT, _SWITCH, _LIST = FlagKind.TEXT, FlagKind.SWITCH, FlagKind.LIST
_FLAGS: Final[dict[str, dict[str, FlagKind]]] = {
    "from": {"platform": _TEXT},
    "run": {"mount": _LIST, "network": _TEXT, "security": _TEXT, "device": _LIST},
    "copy": {
        "chown": _TEXT,
        "from": _TEXT,
        "chmod": _TEXT,
        "link": _SWITCH,
        "exclude": _LIST,
        "parents": _SWITCH,
    },
    "add": {
        "chown": _TEXT,
        "chmod": _TEXT,
        "link": _SWITCH,
        "keep-git-dir": _SWITCH,
        "checksum": _TEXT,
        "unpack": _SWITCH,
        "exclude": _LIST,
    },
    "healthcheck": {
        "interval": _TEXT,
        "timeout": _TEXT,
        "start-period": _TEXT,
        "start-interval": _TEXT,
        "retries": _TEXT,
    },
}
"""The flags of each instruction; all others have none."""


def type_file(tree: Tree) -> Dockerfile:
    """Type the instructions of a file and put them into stages. Raises `InvalidDockerfileError`."""
    lint: list[Finding] = [Finding(NO_EMPTY_CONTINUATION, Lines(line, line)) for line in tree.empty_continuations]
    try:
        stages, meta_args = _stages(tree, lint)
    except DockerfileError as fault:
        raise InvalidDockerfileError(fault, tuple(lint)) from None
    _lint_stage_names(stages, lint)
    _lint_casing(stages, lint)
    return Dockerfile(stages=stages, meta_args=meta_args, escape=tree.escape, findings=tuple(lint))


def _stages(tree: Tree, lint: list[Finding]) -> tuple[tuple[Stage, ...], tuple[Arg, ...]]:
    meta_args: list[Arg] = []
    open_stages: list[tuple[Stage, list[Instruction]]] = []
    for node in tree.nodes:
        try:
            typed = type_node(node, lint)
        except DockerfileError as fault:
            raise fault.within(f"dockerfile parse error on line {node.lines.first}") from None
        if isinstance(typed, Stage):
            open_stages.append((typed, []))
        elif open_stages:
            open_stages[-1][1].append(typed)
        elif isinstance(typed, Arg):
            meta_args.append(typed)
        else:
            raise DockerfileError(codes.NO_STAGE).at(node.lines)
    stages = tuple(
        Stage(
            base=stage.base,
            name=stage.name,
            platform=stage.platform,
            description=stage.description,
            written=stage.written,
            instructions=tuple(instructions),
        )
        for stage, instructions in open_stages
    )
    return stages, tuple(meta_args)


def type_node(node: Node, lint: list[Finding]) -> Instruction | Stage:
    """Type one instruction; what lint finds is added to `lint`. Raises `DockerfileError` with the lines of the node."""
    name = node.name.lower()
    maker = _MAKERS.get(name)
    try:
        if maker is None:
            names = [known.upper() for known in sorted(INSTRUCTIONS)]
            fault = DockerfileError(codes.UNKNOWN_INSTRUCTION, name=node.name)
            raise fault.suggesting(search(node.name, names, case_sensitive=False))
        _lint_node(name, node, lint)
        typed = maker(node)
    except DockerfileError as fault:
        raise fault.at(node.lines) from None
    _lint_description(typed, node, lint)
    return typed


def _written(node: Node) -> Written:
    return Written(name=node.name, code=node.original.strip(SPACE), lines=node.lines, comments=node.comments)


def _flags(node: Node) -> Flags:
    return read_flags(node.flags, _FLAGS.get(node.name.lower(), {}))


def _count(instruction: str, count: str) -> DockerfileError:
    return DockerfileError(codes.ARGUMENT_COUNT, instruction=instruction, count=count)


def _at_least_one(node: Node) -> None:
    if not node.args:
        raise _count(node.name.upper(), "at least one argument")


def _exactly_one(node: Node) -> str:
    if len(node.args) != 1:
        raise _count(node.name.upper(), "exactly one argument")
    return node.args[0]


def _pairs(node: Node) -> tuple[Pair, ...]:
    _flags(node)
    _at_least_one(node)
    pairs = []
    for at in range(0, len(node.args), 3):
        key, value, delimiter = node.args[at : at + 3]
        if not key:
            raise DockerfileError(codes.BLANK_NAME, instruction=node.name.upper())
        pairs.append(Pair(key, value, legacy=not delimiter))
    return tuple(pairs)


def _env(node: Node) -> Env:
    return Env(_written(node), _pairs(node))


def _label(node: Node) -> Label:
    return Label(_written(node), _pairs(node))


def _maintainer(node: Node) -> Maintainer:
    name = _exactly_one(node)
    _flags(node)
    return Maintainer(_written(node), name)


def _transfer(node: Node) -> Transfer:
    is_add = node.name.lower() == "add"
    instruction = "ADD" if is_add else "COPY"
    if len(node.args) < 2:
        problem = "at least two arguments, but only one was provided. Destination could not be determined"
        raise _count(instruction, problem)
    flags = _flags(node)
    if heredoc_word(node.args[-1]):
        raise DockerfileError(codes.HEREDOC_PLACE, instruction=instruction, place="a destination")
    sources, files = _sources(node)
    return Transfer(
        written=_written(node),
        is_add=is_add,
        sources=sources,
        files=files,
        dest=node.args[-1],
        chown=flags.text("chown"),
        chmod=flags.text("chmod"),
        link=flags.on("link"),
        exclude=flags.items("exclude"),
        origin=flags.text("from"),
        parents=flags.on("parents"),
        keep_git_dir=flags.switches.get("keep-git-dir"),
        checksum=flags.text("checksum"),
        unpack=flags.switches.get("unpack"),
    )


def _sources(node: Node) -> tuple[tuple[str, ...], tuple[InlineFile, ...]]:
    bodies = {heredoc.name: heredoc for heredoc in node.heredocs}
    sources, files = [], []
    for word in node.args[:-1]:
        heredoc = heredoc_word(word)
        if heredoc is None:
            sources.append(word)
            continue
        body = bodies[heredoc.name].content if heredoc.name in bodies else ""
        files.append(InlineFile(heredoc.name, heredoc._replace(content=body).text, heredoc.expand))
    return tuple(sources), tuple(files)


_STAGE_NAME = re.compile(r"[a-z][a-z0-9\-_.]*")


def _from(node: Node) -> Stage:
    name = _stage_name(node.args)
    flags = _flags(node)
    return Stage(
        base=node.args[0],
        name=name,
        platform=flags.text("platform"),
        description=_description(node.comments, name),
        written=_written(node),
    )


def _stage_name(args: tuple[str, ...]) -> str:
    if len(args) == 1:
        return ""
    if len(args) != 3 or args[1].lower() != "as":
        raise _count("FROM", "either one or three arguments")
    name = args[2].lower()
    if not _STAGE_NAME.fullmatch(name):
        raise DockerfileError(codes.STAGE_NAME, name=quote(args[2]))
    return name


def _description(comments: tuple[str, ...], name: str) -> str:
    if not name:
        return ""
    return next((line[len(name) + 1 :] for line in comments if line.startswith(name + " ")), "")


_ONBUILD = re.compile(r"[\t\n\f\r ]*ONBUILD[\t\n\f\r ]*", re.IGNORECASE)


def _onbuild(node: Node) -> Onbuild:
    _at_least_one(node)
    _flags(node)
    trigger = node.args[0].strip(SPACE).upper()
    if trigger == "ONBUILD":
        raise DockerfileError(codes.ONBUILD_CHAIN)
    if trigger in ("MAINTAINER", "FROM"):
        raise DockerfileError(codes.ONBUILD_TRIGGER, trigger=trigger)
    match = _ONBUILD.match(node.original)
    text = node.original[match.end() :] if match else node.original
    bodies = "".join(f"\n{heredoc.content}{heredoc.name}" for heredoc in node.heredocs)
    return Onbuild(_written(node), text + bodies)


def _workdir(node: Node) -> Workdir:
    path = _exactly_one(node)
    _flags(node)
    return Workdir(_written(node), path)


def _command(node: Node, args: tuple[str, ...]) -> Command:
    words = args if node.json or not args else (" ".join(args),)
    return Command(words, shell=not node.json)


def _run(node: Node) -> Run:
    flags = _flags(node)
    mounts = flags.items("mount")
    run = Run(
        written=_written(node),
        command=_command(node, node.args),
        heredocs=node.heredocs,
        devices=flags.items("device"),
        mounts=mounts,
        network=flags.texts.get("network", "default"),
        security=flags.texts.get("security", "sandbox"),
        origins=(),
    )
    for device in run.devices:
        check_device(device)
    origins = tuple(mount_origin(mount) for mount in mounts)
    if run.network not in ("default", "none", "host"):
        raise DockerfileError(codes.NETWORK_MODE, mode=quote(run.network))
    if run.security not in ("sandbox", "insecure"):
        raise DockerfileError(codes.SECURITY_MODE, mode=quote(run.security))
    return Run(
        written=run.written,
        command=run.command,
        heredocs=run.heredocs,
        mounts=mounts,
        origins=origins,
        network=run.network,
        security=run.security,
        devices=run.devices,
    )


def _cmd(node: Node) -> Cmd:
    _flags(node)
    return Cmd(_written(node), _command(node, node.args))


def _entrypoint(node: Node) -> Entrypoint:
    _flags(node)
    return Entrypoint(_written(node), _command(node, node.args))


def _healthcheck(node: Node) -> Healthcheck:
    _at_least_one(node)
    kind, args = node.args[0].upper(), node.args[1:]
    if kind == "NONE":
        if args:
            raise DockerfileError(codes.HEALTHCHECK_FORM, problem="HEALTHCHECK NONE takes no arguments")
        return Healthcheck(written=_written(node), test=(kind,))
    flags = _flags(node)
    if kind != "CMD":
        problem = f"Unknown type {quote(kind)} in HEALTHCHECK (try CMD)"
        raise DockerfileError(codes.HEALTHCHECK_FORM, problem=problem)
    command = _command(node, args)
    if not command.words:
        raise DockerfileError(codes.HEALTHCHECK_FORM, problem="Missing command after HEALTHCHECK CMD")
    return Healthcheck(
        written=_written(node),
        test=("CMD-SHELL" if command.shell else "CMD", *command.words),
        interval=_interval("interval", flags),
        timeout=_interval("timeout", flags),
        start_period=_interval("start-period", flags),
        start_interval=_interval("start-interval", flags),
        retries=_retries(flags.text("retries")),
    )


def _interval(name: str, flags: Flags) -> int:
    text = flags.text(name)
    if not text:
        return 0
    try:
        duration = parse_duration(text)
    except DurationError as error:
        raise DockerfileError(codes.HEALTHCHECK_TIME, problem=str(error)) from None
    if duration != 0 and duration < 1_000_000:
        problem = f"Interval {quote(name)} cannot be less than 1ms"
        raise DockerfileError(codes.HEALTHCHECK_TIME, problem=problem)
    return duration


def _retries(text: str) -> int:
    if not text:
        return 0
    try:
        retries = parse_int(text, 32)
    except NumberError as error:
        raise DockerfileError(codes.HEALTHCHECK_RETRIES, problem=error) from None
    if retries < 0:
        raise DockerfileError(codes.HEALTHCHECK_RETRIES, problem=f"--retries cannot be negative ({retries})")
    return retries


def _expose(node: Node) -> Expose:
    _at_least_one(node)
    _flags(node)
    return Expose(_written(node), tuple(sorted(node.args)))


def _user(node: Node) -> User:
    user = _exactly_one(node)
    _flags(node)
    return User(_written(node), user)


def _volume(node: Node) -> Volume:
    _at_least_one(node)
    _flags(node)
    paths = tuple(path.strip(SPACE) for path in node.args)
    if "" in paths:
        raise DockerfileError(codes.VOLUME_EMPTY)
    return Volume(_written(node), paths)


def _stop_signal(node: Node) -> StopSignal:
    return StopSignal(_written(node), _exactly_one(node))


def _arg(node: Node) -> Arg:
    _at_least_one(node)
    arguments = []
    for word in node.args:
        key, equals, value = word.partition("=")
        if equals and not key:
            raise DockerfileError(codes.BLANK_NAME, instruction="ARG")
        arguments.append(Argument(key, value if equals else None, _description(node.comments, key)))
    return Arg(_written(node), tuple(arguments))


def _shell(node: Node) -> Shell:
    _flags(node)
    _at_least_one(node)
    if not node.json:
        raise DockerfileError(codes.SHELL_JSON)
    return Shell(_written(node), node.args)


_MAKERS: Final[dict[str, Callable[[Node], Instruction | Stage]]] = {
    "add": _transfer,
    "arg": _arg,
    "cmd": _cmd,
    "copy": _transfer,
    "entrypoint": _entrypoint,
    "env": _env,
    "expose": _expose,
    "from": _from,
    "healthcheck": _healthcheck,
    "label": _label,
    "maintainer": _maintainer,
    "onbuild": _onbuild,
    "run": _run,
    "shell": _shell,
    "stopsignal": _stop_signal,
    "user": _user,
    "volume": _volume,
    "workdir": _workdir,
}


def _lint_node(name: str, node: Node, lint: list[Finding]) -> None:
    if name == "maintainer":
        lint.append(Finding(MAINTAINER, node.lines, comments=node.comments))
    if name != "from":
        return
    args = node.args
    if len(args) == 3 and args[2] != lower(args[2]):
        lint.append(Finding(STAGE_NAME_CASING, node.lines, {"name": args[2]}, node.comments))
    if len(args) >= 3 and not _as_matches(node.name, args[1]):
        values = {"as_word": args[1], "from_word": node.name}
        lint.append(Finding(FROM_AS_CASING, node.lines, values, node.comments))


def _as_matches(from_word: str, as_word: str) -> bool:
    if from_word == from_word.lower():
        return as_word == as_word.lower()
    return from_word != from_word.upper() or as_word == as_word.upper()


def _lint_description(typed: Instruction | Stage, node: Node, lint: list[Finding]) -> None:
    match typed:
        case Stage(name=name) if name:
            keys, instruction = [name], "FROM"
        case Arg(arguments=arguments):
            keys, instruction = [argument.key for argument in arguments], "ARG"
        case _:
            return
    if not node.comments or node.comments[-1].split(" ", 1)[0] in keys:
        return
    example = "<arg_key>" if len(keys) > 1 else keys[0]
    values = {"instruction": instruction, "name": example}
    lint.append(Finding(DESCRIPTION, node.lines, values, node.comments))


def _lint_stage_names(stages: tuple[Stage, ...], lint: list[Finding]) -> None:
    seen: set[str] = set()
    for stage in stages:
        if not stage.name:
            continue
        values = {"name": quote(stage.name)}
        if stage.name in ("context", "scratch"):
            lint.append(Finding(RESERVED_STAGE_NAME, stage.written.lines, values))
        if stage.name in seen:
            lint.append(Finding(DUPLICATE_STAGE_NAME, stage.written.lines, values))
        seen.add(stage.name)


def _lint_casing(stages: tuple[Stage, ...], lint: list[Finding]) -> None:
    written = [item for stage in stages for item in (stage.written, *(i.written for i in stage.instructions))]
    lower = sum(item.name == item.name.lower() for item in written)
    upper = sum(item.name == item.name.upper() != item.name.lower() for item in written)
    casing, change = ("lowercase", str.lower) if lower > upper else ("uppercase", str.upper)
    for item in written:
        if change(item.name) != item.name:
            values = {"name": item.name, "casing": casing}
            lint.append(Finding(INSTRUCTION_CASING, item.lines, values))
