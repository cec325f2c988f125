"""States: an output together with what the next process inherits. Immutable; every operation returns a new one."""

from __future__ import annotations

from bakec.ir.llb import ops
from bakec.ir.llb.graph import (
    NOTHING,
    Defaults,
    Diff,
    Exec,
    File,
    GivenGraph,
    Merge,
    MountSpec,
    Owner,
    Result,
    User,
    marshal,
)
from bakec.ir.llb.ops import NO_ENTRIES
from bakec.ir.paths import join
from bakec.ir.platforms import normalize
from bakec.ir.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Final

    from bakec.ir.llb.graph import About, FileStep, Output, SecretSpec, Source, SshSpec
    from bakec.ir.llb.ops import Definition
    from bakec.ir.platforms import Platform

HOST, NONE = 1, 2
INSECURE = 1


class RunOptions(NamedTuple):
    """What holds for one process only. `network` and `security` None keep those of the state."""

    mounts: tuple[MountSpec, ...] = ()
    secrets: tuple[SecretSpec, ...] = ()
    ssh: tuple[SshSpec, ...] = ()
    devices: tuple[ops.CdiDevice, ...] = ()
    proxy: ops.ProxyEnv | None = None
    network: int | None = None
    security: int | None = None
    extra_hosts: tuple[ops.HostIP, ...] = ()
    ulimits: tuple[ops.Ulimit, ...] = ()
    cgroup_parent: str = ""
    valid_exit_codes: tuple[int, ...] = ()
    readonly_root: bool = False


PLAIN: Final = RunOptions()
PLAIN_DEFAULTS: Final = Defaults()


class State(NamedTuple):
    """`output` None is an empty file system. `env` keeps each variable at the place of its last assignment."""

    output: Output | None = None
    env: Mapping[str, str] = NO_ENTRIES
    cwd: str = "/"
    user: str = ""
    hostname: str = ""
    platform: Platform | None = None
    network: int = 0
    security: int = 0

    def with_env(self, key: str, value: str) -> State:
        return self.with_envs(((key, value),))

    def with_envs(self, pairs: Iterable[tuple[str, str]]) -> State:
        """With variables assigned one after the other."""
        env = dict(self.env)
        for key, value in pairs:
            env.pop(key, None)
            env[key] = value
        return self._replace(env=env)

    def with_cwd(self, path: str) -> State:
        """An absolute `path` is kept as written; a relative one is joined to the directory so far."""
        return self._replace(cwd=path if path.startswith("/") else join(self.cwd or "/", path))

    def with_user(self, user: str) -> State:
        return self._replace(user=user)

    def with_hostname(self, name: str) -> State:
        return self._replace(hostname=name)

    def with_platform(self, platform: Platform) -> State:
        return self._replace(platform=normalize(platform))

    def with_network(self, mode: int) -> State:
        return self._replace(network=mode)

    def with_output(self, output: Output | None) -> State:
        return self._replace(output=output)

    def run(self, args: Sequence[str], options: RunOptions = PLAIN, about: About = NOTHING) -> State:
        """The root file system after the process `args` ran on it."""
        root = MountSpec(dest="/", source=self.output, readonly=options.readonly_root)
        meta = ops.Meta(
            args=tuple(args),
            cwd=self.cwd,
            user=self.user,
            proxy_env=options.proxy,
            extra_hosts=options.extra_hosts,
            hostname=self.hostname,
            ulimit=options.ulimits,
            cgroup_parent=options.cgroup_parent,
            valid_exit_codes=options.valid_exit_codes,
        )
        vertex = Exec(
            meta=meta,
            env=dict(self.env),
            mounts=(root, *options.mounts),
            secrets=options.secrets,
            ssh=options.ssh,
            devices=options.devices,
            network=self.network if options.network is None else options.network,
            security=self.security if options.security is None else options.security,
            platform=self.platform,
            about=about,
        )
        return self if options.readonly_root else self.with_output(Result(vertex, vertex.output_of(root)))

    def file(self, *steps: FileStep, about: About = NOTHING) -> State:
        """After the file actions `steps`, one op for all of them. Relative paths are below the state's directory."""
        return self.with_output(Result(File(base=self.output, dir=self.cwd, steps=steps, about=about)))

    def marshal(self, defaults: Defaults = PLAIN_DEFAULTS) -> Definition:
        """The definition of this state. Raises `LlbError` or `WireError`."""
        return marshal(self.output, defaults)


def scratch() -> State:
    """An empty file system."""
    return State()


def source_state(source: Source) -> State:
    platform = normalize(source.platform) if source.platform else None
    return State(output=Result(source), platform=platform)


def merge(states: Sequence[State], about: About = NOTHING) -> State:
    """All `states` on top of each other. Empty ones do not count; one alone is itself."""
    filled = [state for state in states if state.output is not None]
    if len(filled) < 2:
        return filled[0] if filled else scratch()
    layers = tuple(state.output for state in filled if state.output is not None)
    return filled[0].with_output(Result(Merge(layers=layers, about=about)))


def diff(lower: State, upper: State, about: About = NOTHING) -> State:
    """What `upper` changed on top of `lower`; on top of nothing that is `upper` itself."""
    if lower.output is None:
        return upper
    return upper.with_output(Result(Diff(lower=lower.output, upper=upper.output, about=about)))


def given(definition: Definition) -> State:
    """A finished definition as a state; its ops keep their bytes."""
    return State(output=GivenGraph(definition).head())


def owner(text: str) -> Owner:
    """`user[:group]`: numbers and `root` by id, everything else by name."""
    user, colon, group = text.partition(":")
    return Owner(_user(user), _user(group) if colon else None)


def _user(text: str) -> User:
    if text == "root":
        return User(id=0)
    digits = text[1:] if text[:1] in ("+", "-") else text
    if digits.isascii() and digits.isdigit() and -(1 << 31) <= int(text) < 1 << 31:
        return User(id=int(text))
    return User(name=text)
