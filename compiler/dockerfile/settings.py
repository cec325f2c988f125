"""The instructions that change what the image is configured to, and what later steps inherit."""

from __future__ import annotations

from bakec.compiler.dockerfile.expand import split_words
from bakec.compiler.dockerfile.faults import DockerfileError
from bakec.compiler.dockerfile.gotext import plain_list
from bakec.compiler.dockerfile.image import HealthConfig, set_env
from bakec.compiler.dockerfile.instructions import (
    Arg,
    Argument,
    Cmd,
    Entrypoint,
    Env,
    Expose,
    Healthcheck,
    Label,
    Maintainer,
    Onbuild,
    Pair,
    Shell,
    StopSignal,
    Volume,
    Workdir,
)
from bakec.compiler.dockerfile.instructions import User as UserInstruction
from bakec.compiler.dockerfile.lint import (
    JSON_ARGS,
    LEGACY_KEY_VALUE,
    ONLY_ONE,
    RELATIVE_WORKDIR,
    SECRET_IN_ENV,
    Finding,
)
from bakec.compiler.dockerfile.ospaths import is_absolute, normal_workdir, to_slash
from bakec.compiler.dockerfile.outline import KnownArgument
from bakec.compiler.dockerfile.ports import read_ports
from bakec.compiler.dockerfile.running import with_shell
from bakec.compiler.dockerfile.steps import HIDDEN_ARGS, commit, quiet_expand, step_title, upper_first
from bakec.ir.codes import dockerfile as codes
from bakec.ir.durations import format_duration
from bakec.ir.llb import About, Mkdir, owner
from bakec.ir.quoting import quote, quote_list
from bakec.ir.strconv import int_or_none

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from bakec.compiler.dockerfile.instructions import Command, Instruction
    from bakec.compiler.dockerfile.stages import Entry, Step
    from bakec.compiler.dockerfile.steps import Scene

_SECRET_WORDS: Final = frozenset(
    ["apikey", "auth", "credential", "credentials", "key", "password", "pword", "passwd", "secret", "token"]
)
_OPEN_WORDS: Final = frozenset(("public", "file", "version"))


def lower_setting(scene: Scene, entry: Entry, step: Step, instruction: Instruction) -> None:
    """Lower an instruction other than RUN, COPY and ADD. Raises `DockerfileError`."""
    match instruction:
        case Maintainer(name=name):
            entry.image = entry.image._replace(author=name)
            commit(entry, f"MAINTAINER {name}", scene.epoch)
        case Env():
            _env(scene, entry, step, instruction)
        case Label():
            _label(scene, entry, step, instruction)
        case Workdir():
            path = scene.expand(instruction.path, entry, step)
            _workdir(scene, entry, step, path)
        case Onbuild(trigger=trigger):
            entry.image = entry.image._replace(on_build=(*entry.image.on_build, trigger))
        case Cmd(command=command):
            _cmd(scene, entry, step, command)
        case Entrypoint(command=command):
            _entrypoint(scene, entry, step, command)
        case Healthcheck():
            _healthcheck(scene, entry, step, instruction)
        case UserInstruction():
            user = scene.expand(instruction.user, entry, step)
            set_user(entry, user)
            commit(entry, f"USER {user}", scene.epoch)
        case _:
            _lower_rest(scene, entry, step, instruction)


def _lower_rest(scene: Scene, entry: Entry, step: Step, instruction: Instruction) -> None:
    match instruction:
        case Expose():
            _expose(scene, entry, step, instruction)
        case Volume():
            _volume(scene, entry, step, instruction)
        case StopSignal():
            _stop_signal(scene, entry, step, instruction)
        case Shell(words=words):
            entry.image = entry.image._replace(shell=words)
            commit(entry, f"SHELL {plain_list(words)}", scene.epoch)
        case Arg():
            _arg(scene, entry, step, instruction)


def _expand_pairs(scene: Scene, entry: Entry, step: Step, pairs: tuple[Pair, ...]) -> list[Pair]:
    return [
        Pair(scene.expand(pair.key, entry, step), scene.expand(pair.value, entry, step), pair.legacy) for pair in pairs
    ]


def _lint_pair(scene: Scene, step: Step, pair: Pair) -> None:
    if pair.legacy:
        scene.lint(LEGACY_KEY_VALUE, step, name=step.instruction.written.name)


def _lint_secret(scene: Scene, step: Step, instruction: str, key: str) -> None:
    # The reference matches word by word with `_` consumed on both sides; only whole words between underscores,
    # or the ends, count. ASCII case folding plus the two letters that fold into ASCII.
    words = set(key.lower().replace("\u017f", "s").replace("\u212a", "k").split("_"))
    if words & _SECRET_WORDS and not words & _OPEN_WORDS:
        scene.lint(SECRET_IN_ENV, step, instruction=instruction, key=quote(key))


def _env(scene: Scene, entry: Entry, step: Step, env: Env) -> None:
    pairs = _expand_pairs(scene, entry, step, env.pairs)
    for pair in pairs:
        _lint_pair(scene, step, pair)
        _lint_secret(scene, step, "ENV", pair.key)
        entry.state = entry.state.with_env(pair.key, pair.value)
        entry.image = entry.image._replace(env=set_env(entry.image.env, pair.key, pair.value))
    commit(entry, " ".join(["ENV", *map(str, pairs)]), scene.epoch)


def _label(scene: Scene, entry: Entry, step: Step, label: Label) -> None:
    pairs = _expand_pairs(scene, entry, step, label.pairs)
    for pair in pairs:
        _lint_pair(scene, step, pair)
    labels = {**entry.image.labels, **{pair.key: pair.value for pair in pairs}}
    entry.image = entry.image._replace(labels=labels)
    commit(entry, " ".join(["LABEL", *map(str, pairs)]), scene.epoch)


def set_workdir(entry: Entry, path: str) -> str:
    """Change the directory of image and state; returns it with slashes. Raises `DockerfileError`."""
    os = entry.platform.os if entry.platform else ""
    try:
        made = normal_workdir(entry.image.working_dir, path, os)
    except DockerfileError as fault:
        raise fault.within("normalizing workdir") from None
    entry.image = entry.image._replace(working_dir=made)
    slashed = to_slash(made, os)
    entry.state = entry.state.with_cwd(slashed)
    return slashed


def _workdir(scene: Scene, entry: Entry, step: Step, path: str) -> None:
    os = entry.platform.os if entry.platform else ""
    if not entry.workdir_set and not is_absolute(path, os):
        scene.lint(RELATIVE_WORKDIR, step, path=quote(path))
    entry.workdir_set = True
    made = set_workdir(entry, path)
    layer = made != "/"
    if layer:
        _make_directory(scene, entry, step, made)
    commit(entry, f"WORKDIR {made}", scene.epoch, layer=layer)


def _make_directory(scene: Scene, entry: Entry, step: Step, path: str) -> None:
    env, written = entry.state.env, step.instruction.written
    text = upper_first(quiet_expand(written.code, env, scene.mode))
    about = About(
        description={"llb.customname": step_title(entry, text, entry.platform or scene.target, env)},
        locations=scene.locations(written.lines),
    )
    make = Mkdir(
        path=path,
        mode=0o755,
        parents=True,
        owner=owner(entry.image.user) if entry.image.user else None,
        timestamp=-1 if scene.epoch is None else _nanoseconds(scene.epoch.seconds),
    )
    entry.state = entry.state.file(make, about=about)


def _nanoseconds(seconds: int) -> int:
    """A Go `UnixNano`: it wraps around beyond 64 bits."""
    wrapped = seconds * 1_000_000_000 & (1 << 64) - 1
    return wrapped - (1 << 64) if wrapped >> 63 else wrapped


def set_user(entry: Entry, user: str) -> None:
    entry.state = entry.state.with_user(user)
    entry.image = entry.image._replace(user=user)


def _lint_once(scene: Scene, entry: Entry, step: Step, kind: str) -> None:
    """The earlier one of two is reported: it is the one without effect."""
    before = entry.used_once.get(kind)
    written = step.instruction.written
    if before is not None:
        finding = Finding(ONLY_ONE, before, {"name": written.name}, written.comments)
        scene.linter.report(finding)
    entry.used_once[kind] = written.lines


def _shell_command(scene: Scene, entry: Entry, step: Step, command: Command) -> tuple[str, ...]:
    if not command.shell:
        return command.words
    if not entry.image.shell:
        scene.lint(JSON_ARGS, step, name=step.instruction.written.name)
    return with_shell(entry.image, command.words)


def _cmd(scene: Scene, entry: Entry, step: Step, command: Command) -> None:
    _lint_once(scene, entry, step, "cmd")
    words = _shell_command(scene, entry, step, command)
    entry.image = entry.image._replace(cmd=words, args_escaped=True)
    commit(entry, f"CMD {quote_list(words)}", scene.epoch)


def _entrypoint(scene: Scene, entry: Entry, step: Step, command: Command) -> None:
    _lint_once(scene, entry, step, "entrypoint")
    words = _shell_command(scene, entry, step, command)
    entry.image = entry.image._replace(entrypoint=words)
    if "cmd" not in entry.used_once:
        entry.image = entry.image._replace(cmd=())
    commit(entry, f"ENTRYPOINT {quote_list(words)}", scene.epoch)


def _healthcheck(scene: Scene, entry: Entry, step: Step, check: Healthcheck) -> None:
    _lint_once(scene, entry, step, "healthcheck")
    health = HealthConfig(
        test=check.test,
        interval=check.interval,
        timeout=check.timeout,
        start_period=check.start_period,
        start_interval=check.start_interval,
        retries=check.retries,
    )
    entry.image = entry.image._replace(healthcheck=health)
    text = (
        f"{{Test:{plain_list(health.test)} Interval:{format_duration(health.interval)}"
        f" Timeout:{format_duration(health.timeout)} StartPeriod:{format_duration(health.start_period)}"
        f" StartInterval:{format_duration(health.start_interval)} Retries:{health.retries}}}"
    )
    commit(entry, f"HEALTHCHECK {text}", scene.epoch)


def _expose(scene: Scene, entry: Entry, step: Step, expose: Expose) -> None:
    env = entry.state.env
    words = [word for port in expose.ports for word in split_words(port, env, scene.mode)]
    ports = read_ports(words, scene, step)
    entry.image = entry.image._replace(exposed_ports=entry.image.exposed_ports | set(ports))
    commit(entry, f"EXPOSE {plain_list(ports)}", scene.epoch)


def _volume(scene: Scene, entry: Entry, step: Step, volume: Volume) -> None:
    paths = [scene.expand(path, entry, step) for path in volume.paths]
    if "" in paths:
        raise DockerfileError(codes.VOLUME_EMPTY)
    entry.image = entry.image._replace(volumes=entry.image.volumes | set(paths))
    commit(entry, f"VOLUME {plain_list(paths)}", scene.epoch)


_SIGNALS: Final = (
    frozenset(
        [
            "ABRT",
            "ALRM",
            "BUS",
            "CHLD",
            "CLD",
            "CONT",
            "FPE",
            "HUP",
            "ILL",
            "INT",
            "IO",
            "IOT",
            "KILL",
            "PIPE",
            "POLL",
            "PROF",
            "PWR",
            "QUIT",
            "SEGV",
            "STKFLT",
            "STOP",
            "SYS",
            "TERM",
            "TRAP",
            "TSTP",
            "TTIN",
            "TTOU",
            "URG",
            "USR1",
            "USR2",
            "VTALRM",
            "WINCH",
            "XCPU",
            "XFSZ",
            "RTMIN",
            "RTMAX",
        ]
    )
    | {f"RTMIN+{n}" for n in range(1, 16)}
    | {f"RTMAX-{n}" for n in range(1, 15)}
)


def _stop_signal(scene: Scene, entry: Entry, step: Step, stop: StopSignal) -> None:
    signal = scene.expand(stop.signal, entry, step)
    number = int_or_none(signal)
    if number == 0 or (number is None and signal.upper().removeprefix("SIG") not in _SIGNALS):
        raise DockerfileError(codes.SIGNAL, signal=signal)
    entry.image = entry.image._replace(stop_signal=signal)
    commit(entry, f"STOPSIGNAL {signal}", scene.epoch)


def _arg(scene: Scene, entry: Entry, step: Step, arg: Arg) -> None:
    texts = []
    for argument in arg.arguments:
        _lint_secret(scene, step, "ARG", argument.key)
        value, inherited = _argument_value(scene, entry, step, argument)
        if value is not None and argument.key not in HIDDEN_ARGS:
            entry.state = entry.state.with_env(argument.key, value)
        set_argument = Argument(argument.key, value, argument.description)
        if not inherited:
            entry.outline.arguments[argument.key] = KnownArgument(set_argument, step.lines, value or "")
        entry.outline.used[argument.key] = None
        entry.arguments.append(set_argument)
        texts.append(argument.key if value is None else f"{argument.key}={value}")
    commit(entry, "ARG " + " ".join(texts), scene.epoch)


def _argument_value(scene: Scene, entry: Entry, step: Step, argument: Argument) -> tuple[str | None, bool]:
    """The value of a declared argument, and whether it is that of the global scope."""
    given = scene.build_args.get(argument.key)
    if given is not None:
        return given, False
    if argument.value is not None:
        return scene.expand(argument.value, entry, step), False
    value = scene.variables.get(argument.key)
    return value, value is not None
