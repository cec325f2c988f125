"""What a plan asks for beyond building in its folder, and whether that was granted with `--allow`."""

from __future__ import annotations

import os
from pathlib import Path

from bakec.ir.codes import define as codes
from bakec.ir.diagnostics import fail
from bakec.ir.records import NamedTuple
from bakec.ir.strconv import NumberError, parse_bool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from bakec.ir.diagnostics import Failed
    from bakec.ir.plan import Job, Plan


class Privilege(NamedTuple):
    """`flag` is what `--allow` must say; `text` what it lets the build do. `file` marks access to files and agents,
    which `BUILDX_BAKE_ENTITLEMENTS_FS=0` grants."""

    flag: str
    text: str
    file: bool = False


class Granted(NamedTuple):
    """The `--allow` flags, sorted out. `*` in a list of paths stands for every path."""

    keys: frozenset[str]
    read: tuple[str, ...]
    write: tuple[str, ...]


_PLAIN = ("network.host", "security.insecure", "ssh", "buildx.local.delete")


def parse_allow(flags: Iterable[str]) -> Granted:
    """Read `--allow` flags. Raises `Failed`."""
    keys: set[str] = set()
    paths: dict[str, list[str]] = {"fs.read": ["."], "fs.write": ["."]}
    for flag in flags:
        key, _, value = flag.partition("=")
        if flag in _PLAIN or key == "device":
            keys.add(f"device={value.partition(',')[0]}" if value else flag)
        elif key in ("fs", "fs.read", "fs.write"):
            for name in paths if key == "fs" else (key,):
                paths[name].append(value)
        elif key == "buildx.local.delete":
            raise _bad(f"{key} does not accept a value")
        elif key not in ("image", "image.push", "image.load"):
            raise _bad(f'unknown entitlement key "{key}"')
    return Granted(frozenset(keys), tuple(paths["fs.read"]), tuple(paths["fs.write"]))


def _bad(reason: str) -> Failed:
    return fail(codes.BAD_ALLOW.at(None, reason=reason))


def missing(plan: Plan, root: Path, granted: Granted, implied: Iterable[str] = ()) -> list[Privilege]:
    """What the plan asks for and was not granted, each once. `implied` are paths that the user named on the command
    line and so granted."""
    chosen = frozenset(implied)
    found: dict[Privilege, None] = {}
    read, write = _Folders(root, granted.read), _Folders(root, granted.write)
    for job in plan.jobs:
        found.update((one, None) for one in _keys(job) if one.flag not in granted.keys)
        reads = [path for path in _reads(job) if path not in chosen and not read.hold(path)]
        writes = [path for path in _writes(job) if path not in chosen and not write.hold(path)]
        for path in reads:
            found[Privilege(f"fs.read={path}", f"Read access to path {path}", file=True)] = None
        for path in writes:
            found[Privilege(f"fs.write={path}", f"Write access to path {path}", file=True)] = None
    return sorted(found, key=lambda one: (one.file, one.flag))


def _keys(job: Job) -> Iterator[Privilege]:
    for name in job.entitlements:
        if name == "network.host":
            yield Privilege(name, "Running build containers that can access host network")
        elif name == "security.insecure":
            yield Privilege(name, "Running privileged containers that can make system changes")
        elif name.partition("=")[0] == "device":
            device = name.partition("=")[2].partition(",")[0]
            flag, text = (f"device={device}", f"device {device}") if device else ("device", "CDI devices")
            yield Privilege(flag, f"Access to {text}")
    if any(export.type == "local" and export.attrs.get("mode") == "delete" for export in job.exports):
        yield Privilege("buildx.local.delete", "Deleting stale files from local output destinations")
    if any(not ssh.paths for ssh in job.ssh):
        yield Privilege("ssh", "Forwarding default SSH agent socket", file=True)


def _reads(job: Job) -> Iterator[str]:
    yield from (local.path for local in job.locals)
    yield from (cache.attrs["src"] for cache in job.cache_from if cache.type == "local" and "src" in cache.attrs)
    yield from (secret.src for secret in job.secrets if secret.src)
    yield from (path for ssh in job.ssh for path in ssh.paths)


def _writes(job: Job) -> Iterator[str]:
    yield from (export.dest for export in job.exports if export.dest not in ("", "-"))
    yield from (cache.attrs["dest"] for cache in job.cache_to if cache.type == "local" and "dest" in cache.attrs)


class _Folders:
    """Folders that were granted, links resolved: what lies below one is granted too."""

    def __init__(self, root: Path, paths: Sequence[str]) -> None:
        self.root = root
        self.any = "*" in paths
        self.paths = [Path(os.path.realpath(root / path)) for path in paths if path != "*"]
        self._known: dict[str, bool] = {}

    def hold(self, path: str) -> bool:
        if self.any:
            return True
        found = self._known.get(path)
        if found is None:
            real = Path(os.path.realpath(self.root / path))
            found = self._known[path] = any(real.is_relative_to(folder) for folder in self.paths)
        return found


def report(privileges: Sequence[Privilege], argv: Sequence[str]) -> Iterator[str]:
    """What to tell the user: what is asked for, and the command that grants it."""
    flags = " ".join(f"--allow={one.flag}" for one in privileges)
    yield "Your build is requesting privileges for following possibly insecure capabilities:"
    yield ""
    yield from (f" - {one.text}" for one in privileges)
    yield ""
    yield f'Pass "{flags}" to grant requested privileges.'
    if argv:
        import shlex

        yield ""
        yield "Your full command with requested privileges:"
        yield ""
        yield f"{argv[0]} {argv[1]} {flags} {shlex.join(argv[2:])}"
    if any(one.file for one in privileges):
        yield ""
        yield "To disable filesystem entitlements checks, you can set BUILDX_BAKE_ENTITLEMENTS_FS=0 ."
    yield ""


def files_are_checked(env: Mapping[str, str]) -> bool:
    """Whether access to files counts: not with `BUILDX_BAKE_ENTITLEMENTS_FS` false. Raises `Failed`."""
    text = env.get("BUILDX_BAKE_ENTITLEMENTS_FS")
    if text is None:
        return True
    try:
        return parse_bool(text)
    except NumberError as error:
        raise fail(
            codes.BAD_ENVIRONMENT.at(None, name="BUILDX_BAKE_ENTITLEMENTS_FS", value=text, reason=error)
        ) from error
