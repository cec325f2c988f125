"""RUN and its mounts."""

from __future__ import annotations

from bakec.compiler.dockerfile.contexts import internal
from bakec.compiler.dockerfile.faults import DockerfileError
from bakec.compiler.dockerfile.gotext import SPACE, encode, plain_list
from bakec.compiler.dockerfile.heredoc import heredoc_word
from bakec.compiler.dockerfile.mounts import SHARING, read_mount
from bakec.compiler.dockerfile.outline import KnownSecret
from bakec.compiler.dockerfile.stages import SCRATCH
from bakec.compiler.dockerfile.steps import commit, quiet_expand, step_title, upper_first
from bakec.ir.codes import dockerfile as codes
from bakec.ir.llb import About, Mkdir, Mkfile, MountSpec, RunOptions, SecretSpec, SshSpec, named, scratch
from bakec.ir.llb.graph import Owner, User
from bakec.ir.llb.state import HOST, INSECURE, NONE
from bakec.ir.paths import base, clean, join
from bakec.ir.quoting import quote
from bakec.ir.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bakec.compiler.dockerfile.image import ImageConfig
    from bakec.compiler.dockerfile.instructions import Argument, Run
    from bakec.compiler.dockerfile.mounts import MountOptions
    from bakec.compiler.dockerfile.stages import Entry, Step
    from bakec.compiler.dockerfile.steps import Scene
    from bakec.ir.llb import State

_PIPES = "/dev/pipes/"
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - a path in the container


def shell_of(image: ImageConfig) -> tuple[str, ...]:
    """The shell that shell-form commands run in."""
    return image.shell or (("cmd", "/S", "/C") if image.os == "windows" else ("/bin/sh", "-c"))


def with_shell(image: ImageConfig, words: tuple[str, ...]) -> tuple[str, ...]:
    return (*shell_of(image), " ".join(words))


def lower_run(scene: Scene, entry: Entry, step: Step, run: Run) -> None:
    """Lower RUN onto the stage. Raises `DockerfileError`."""
    mounts = [read_mount(text, lambda word: scene.expand(word, entry, step)) for text in run.mounts]
    entry.paths.add("/")
    words, inline, summary = _command(run, entry)
    if run.command.shell:
        words = with_shell(entry.image, words)
    specs = [inline] if inline else []
    secrets: list[SecretSpec] = []
    agents: list[SshSpec] = []
    for at, mount in enumerate(mounts):
        _add_mount(scene, entry, step, at, mount, specs, secrets, agents)
    options = _options(scene, run, specs, secrets, agents)
    state = entry.state
    about = About(
        description={
            "com.docker.dockerfile.v1.command": run.written.code,
            "llb.customname": _title(scene, entry, run, mounts, summary),
        },
        ignore_cache=entry.ignore_cache,
        linux_resources=scene.options.resources if scene.supports("exec.meta.linux.resources") else None,
        locations=scene.locations(run.written.lines),
    )
    entry.state = state.run(words, options, about)
    commit(entry, _history(words, entry.arguments, state), scene.epoch, layer=True)


def _command(run: Run, entry: Entry) -> tuple[tuple[str, ...], MountSpec | None, str]:
    """The words to run, a file they need mounted, and what the title adds for a heredoc."""
    words = run.command.words
    if not run.heredocs:
        return words, None, ""
    if len(words) != 1 or not run.command.shell:
        problem = f"parsing produced an invalid run command: {plain_list(words)}"
        raise DockerfileError(codes.HEREDOC_FORM, problem=problem)
    first = run.heredocs[0]
    if heredoc_word(words[0]) is None:
        bodies = "".join(f"\n{heredoc.content}{heredoc.name}" for heredoc in run.heredocs)
        return (words[0] + bodies,), None, ""
    summary = f" ({_summary(first.content)})"
    if entry.image.os == "windows" or not first.text.startswith("#!"):
        return (first.text,), None, summary
    script = scratch().file(
        Mkfile(path=first.name, mode=0o755, data=encode(first.text)),
        about=internal("preparing inline document"),
    )
    mount = MountSpec(dest=_PIPES, source=script.output, selector="/", readonly=True)
    return (join(_PIPES, first.name),), mount, summary


def _summary(body: str) -> str:
    lines = body.strip(SPACE).replace("\r\n", "\n").split("\n")
    return lines[0] + ("..." if len(lines) > 1 else "")


def _title(scene: Scene, entry: Entry, run: Run, mounts: list[MountOptions], summary: str) -> str:
    masked = {mount.env: "****" for mount in mounts if mount.type == "secret" and mount.env is not None}
    env = entry.state.env
    mode = replace(scene.mode, raw_quotes=True, keep_unset=True)
    text = quiet_expand(run.written.code + summary, {**env, **masked}, mode)
    return step_title(entry, upper_first(text), entry.state.platform, env)


def _options(
    scene: Scene, run: Run, mounts: list[MountSpec], secrets: list[SecretSpec], agents: list[SshSpec]
) -> RunOptions:
    options = scene.options
    if run.devices and scene.supports("exec.meta.cdi"):
        problem = "device feature is only supported in Dockerfile frontend 1.14.0-labs or later"
        raise DockerfileError(codes.DEVICE, problem=problem)
    if scene.supports("exec.mount.tmpfs.size") and options.shm_size > 0:
        mounts = [*mounts, MountSpec(dest=_SHARED_MEMORY, tmpfs=options.shm_size)]
    return RunOptions(
        mounts=tuple(mounts),
        secrets=tuple(secrets),
        ssh=tuple(agents),
        proxy=scene.proxy,
        network={"none": NONE, "host": HOST}.get(run.network),
        security=INSECURE if run.security == "insecure" else 0,
        extra_hosts=options.extra_hosts,
        ulimits=options.ulimits if scene.supports("exec.meta.ulimit") else (),
        cgroup_parent=options.cgroup_parent if scene.supports("exec.meta.cgroup.parent") else "",
    )


def _add_mount(
    scene: Scene,
    entry: Entry,
    step: Step,
    at: int,
    mount: MountOptions,
    specs: list[MountSpec],
    secrets: list[SecretSpec],
    agents: list[SshSpec],
) -> None:
    origin = mount.origin or (SCRATCH if mount.type == "cache" else "")
    source = _source(scene, step, at, origin, mount)
    match mount.type:
        case "secret":
            secrets.append(_secret(entry, step, mount))
        case "ssh":
            agents.append(_agent(entry, step, mount))
        case _:
            specs.append(_spec(scene, entry, mount, source))
            used = step.sources[at].paths if origin else entry.context_paths
            used.add(join("/", mount.source))


def _source(scene: Scene, step: Step, at: int, origin: str, mount: MountOptions) -> State:
    if not origin:
        return scene.main
    entry = step.sources[at]
    if not entry.dispatched:
        problem = (
            f"cannot mount from stage {quote(origin)} to {quote(mount.target)}, stage needs to be defined before"
            " current command"
        )
        raise DockerfileError(codes.STAGE_LATER, problem=problem)
    return entry.state


def _spec(scene: Scene, entry: Entry, mount: MountOptions, source: State) -> MountSpec:
    target = mount.target
    if not clean(target).startswith("/"):
        target = join("/", entry.state.cwd, target)
    if target == "/":
        raise DockerfileError(codes.MOUNT_TARGET, target=quote(target))
    selector = join("/", mount.source)
    state = scratch() if mount.type == "tmpfs" else source
    if selector == "/":
        selector = ""
        if mount.has_owner:
            state, selector = _owned(state, mount), "/cache"
    no_output = mount.type == "bind" and scene.supports("exec.mount.bind.readwrite-nooutput")
    cache_id = f"{scene.options.cache_namespace}/{mount.id or clean(mount.target)}"
    return MountSpec(
        dest=target,
        source=state.output,
        selector=selector,
        readonly=mount.is_readonly,
        no_output=no_output and not mount.is_readonly,
        cache=(cache_id, SHARING.index(mount.sharing or "shared")) if mount.type == "cache" else None,
        tmpfs=mount.size if mount.type == "tmpfs" else None,
    )


def _owned(state: State, mount: MountOptions) -> State:
    """`state` with a directory of the wanted owner and mode, for the cache to start from."""
    mode = 0o755 if mount.mode is None else mount.mode
    user, group = User(id=mount.uid or 0), User(id=mount.gid or 0)
    step = Mkdir(path="/cache", mode=mode, owner=Owner(user, group))
    return state.file(step, about=named("[internal] setting cache mount permissions"))


def _secret(entry: Entry, step: Step, mount: MountOptions) -> SecretSpec:
    name = mount.source or mount.id
    if not name:
        if not mount.target:
            raise DockerfileError(codes.MOUNT_SECRET, problem="one of source, target required")
        name = base(mount.target)
    target = mount.target or None
    if mount.env is None and target is None:
        target = f"/run/secrets/{base(name)}"
    entry.outline.secrets.setdefault(name, KnownSecret(step.lines, mount.required))
    return SecretSpec(
        id=name,
        target=target,
        env=mount.env,
        uid=mount.uid or 0,
        gid=mount.gid or 0,
        mode=0o400 if mount.mode is None else mount.mode,
        optional=not mount.required,
    )


def _agent(entry: Entry, step: Step, mount: MountOptions) -> SshSpec:
    if mount.source:
        raise DockerfileError(codes.SSH_SOURCE)
    entry.outline.ssh.setdefault(mount.id or "default", KnownSecret(step.lines, mount.required))
    return SshSpec(
        id=mount.id,
        target=mount.target,
        uid=mount.uid or 0,
        gid=mount.gid or 0,
        mode=0o600 if mount.mode is None else mount.mode,
        optional=not mount.required,
    )


def _history(words: tuple[str, ...], arguments: list[Argument], state: State) -> str:
    values: dict[str, str] = {}
    for argument in arguments:
        values[argument.key] = state.env.get(argument.key, argument.value or "")
    pairs = [f"{key}={value}" for key, value in values.items()]
    counted = [f"|{len(pairs)}", *pairs] if pairs else []
    return "RUN " + " ".join([*counted, *words]) + " # buildkit"
