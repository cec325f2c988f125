"""The store of builders, shared with buildx: a folder of small files, byte for byte as buildx writes them.

    instances/NAME   a builder and its nodes, as JSON    activity/NAME    when it was last used
    current          the builder that is used            defaults/KEY     the one of an engine
    .buildNodeID     names this machine                  refs/NAME/…      what was built, noted by buildx

Who changes something holds `.lock`. A file is written beside the store's folders and then renamed into its place, so
that nobody ever reads half of one, and what a killed program leaves is in nobody's way.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import pwd
import re
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from bakec.ir.codes.builder import BAD_BUILDER, BAD_NAME, BROKEN_STORE, STORE_BUSY, STORE_FAILED
from bakec.ir.diagnostics import fail
from bakec.ir.digests import sha256
from bakec.ir.platforms import Platform, full_name
from bakec.ir.records import dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from typing import Any

    from bakec.ir.diagnostics import Failed
    from bakec.runtime.dockerconfig import DockerConfig

FOLDERS = ("instances", "defaults", "activity")
NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9.\-_]*")
KEY_LENGTH = 20
LOCK_SECONDS, LOCK_STEP = 30.0, 0.05
DEFAULT_CONFIG = "buildkitd.default.toml"
"""Configuration of new daemons when no other is given."""
NEW = ".tmp-"
"""How the name of a file begins that is being written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredNode:
    """What is None is written as `null`, as buildx does for what was never set."""

    name: str
    endpoint: str
    platforms: tuple[Platform, ...] | None = None
    options: Mapping[str, str] | None = None
    flags: tuple[str, ...] | None = None
    files: Mapping[str, bytes] | None = None
    """Below /etc/buildkit of the daemon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBuilder:
    """`name` as it was given; the file has it in lower case."""

    name: str
    driver: str
    nodes: tuple[StoredNode, ...] = ()
    is_dynamic: bool = False

    def node(self, name: str) -> StoredNode | None:
        return next((node for node in self.nodes if node.name == name), None)

    def leave(self, name: str) -> StoredBuilder:
        """Without a node. Raises `Failed`."""
        if self.node(name) is None:
            raise fail(BAD_BUILDER.at(None, reason=f'node "{name}" not found for {self.name}'))
        if len(self.nodes) == 1:
            reason = "can not leave last node, do you want to rm instance instead?"
            raise fail(BAD_BUILDER.at(None, reason=reason))
        return replace(self, nodes=tuple(node for node in self.nodes if node.name != name))

    def with_node(self, changed: StoredNode) -> StoredBuilder:
        """With a node in the place of the one of its name, or at the end. No two nodes have one endpoint, and no
        platform is that of two nodes: the others lose those of this one. Raises `Failed`."""
        others = tuple(node for node in self.nodes if node.name != changed.name)
        if any(node.endpoint == changed.endpoint for node in others):
            raise fail(BAD_BUILDER.at(None, reason=f"invalid duplicate endpoint {changed.endpoint}"))
        taken = {full_name(platform) for platform in changed.platforms or ()}
        kept = {node.name: _without(node, taken) for node in others}
        nodes = [kept.get(node.name, changed) for node in self.nodes]
        return replace(self, nodes=tuple(nodes if self.node(changed.name) else (*nodes, changed)))

    def next_name(self) -> str:
        """Of a node that is given none."""
        count = 0
        while self.node(name := f"{self.name}{count}".lower()):
            count += 1
        return name


def _without(node: StoredNode, taken: set[str]) -> StoredNode:
    return replace(node, platforms=tuple(one for one in node.platforms or () if full_name(one) not in taken))


def check_name(name: str) -> str:
    """The name of its file. Raises `Failed`."""
    if not NAME.fullmatch(name):
        raise fail(BAD_NAME.at(None, name=name))
    return name.lower()


class Store:
    """The store of an environment. Reading needs no lock; `transaction` gives what can write."""

    def __init__(self, env: Mapping[str, str], config: DockerConfig) -> None:
        self.folder = Path(env.get("BUILDX_CONFIG") or config.folder / "buildx")
        self._owner = _sudoer(env, self.folder)

    def builder(self, name: str) -> StoredBuilder | None:
        """Raises `Failed` for a name that cannot be one, and a file that cannot be read."""
        return self._read(check_name(name))

    def names(self) -> tuple[str, ...]:
        """Of all builders that have a file, by name; what is no name is not of the store."""
        folder = self.folder / "instances"
        return tuple(sorted(name for name in _listed(folder) if NAME.fullmatch(name)))

    def current(self, key: str) -> StoredBuilder | None:
        """The builder for the engine that is called `key`: the global one, else the one in use, else its default."""
        current = self._current()
        name = str(current.get("Name") or "")
        if name and current.get("Global") and (found := self._known(name)):
            return found
        if name and current.get("Key") == key:
            return self._known(name)
        with suppress(FileNotFoundError):
            return self._known((self.folder / "defaults" / _hash(key)).read_text())
        return None

    def activity(self, name: str) -> datetime | None:
        """When the builder was last used."""
        from datetime import datetime

        with suppress(OSError, ValueError):
            return datetime.fromisoformat((self.folder / "activity" / name).read_text())
        return None

    def default_config(self) -> Path | None:
        path = self.folder / DEFAULT_CONFIG
        return path if path.exists() else None

    def touch(self, name: str) -> None:
        """Note that a builder is used now, without waiting for the lock. A store that cannot be written is no reason
        not to build."""
        if not NAME.fullmatch(name):
            return  # an address
        with suppress(OSError):
            self._make(".", *FOLDERS)
            # The only write of every run, and the only one that would be no loss.
            self.write(f"activity/{name}", _now(), keep=False)

    def node_id(self) -> str:
        """Names this machine towards daemons, so that a second run sends only what changed."""
        path = self.folder / ".buildNodeID"
        with suppress(OSError):
            return path.read_text()
        made = os.urandom(8).hex()
        # Without a writable folder every run sends everything: slower, not wrong.
        with suppress(OSError):
            self._make(".")
            self.write(path.name, made.encode())
        return made

    @contextmanager
    def transaction(self) -> Iterator[Change]:
        """Nobody else changes the store for the time of the block. Raises `Failed`."""
        try:
            self._make(".", *FOLDERS)
            handle = os.open(self.folder / ".lock", os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as error:
            raise self._failed(error) from error
        try:
            self._lock(handle)
            yield Change(self)
        except OSError as error:
            raise self._failed(error) from error
        finally:
            os.close(handle)

    # For `Change`

    def write(self, name: str, data: bytes, *, keep: bool = True) -> None:
        """Replace a file; with `keep` it is on the disk when this returns."""
        path = self.folder / name
        new = self.folder / f"{NEW}{os.urandom(8).hex()}"
        handle = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                if keep:
                    os.fsync(file.fileno())
            self._own(new)
            new.replace(path)
        except BaseException:
            new.unlink(missing_ok=True)
            raise

    def make_refs(self) -> Path:
        self._make("refs")
        return self.folder / "refs"

    def _make(self, *names: str) -> None:
        """Folders that only this user may enter, owned by who runs sudo."""
        for name in names:
            path = self.folder / name
            missing = [one for one in (path, *path.parents) if not one.exists()]
            for folder in reversed(missing):
                folder.mkdir(mode=0o700, exist_ok=True)
                self._own(folder)

    def _own(self, path: Path) -> None:
        if self._owner:
            os.chown(path, *self._owner)

    def _lock(self, handle: int) -> None:
        end = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > end:
                    raise fail(STORE_BUSY.at(None, path=self.folder, seconds=f"{LOCK_SECONDS:g}")) from None
                time.sleep(LOCK_STEP)

    def _failed(self, error: OSError) -> Failed:
        return fail(STORE_FAILED.at(None, path=self.folder, reason=error.strerror or error))

    def _current(self) -> Mapping[str, Any]:
        data = _bytes_of(self.folder / "current")
        return {} if data is None else _object(self.folder / "current", data)

    def _known(self, name: str) -> StoredBuilder | None:
        return self.builder(name) if NAME.fullmatch(name) else None

    def _read(self, name: str) -> StoredBuilder | None:
        path = self.folder / "instances" / name
        data = _bytes_of(path)
        if data is None:
            return None
        try:
            return _decode(_object(path, data), name)
        except (ValueError, TypeError, AttributeError) as error:
            raise fail(BROKEN_STORE.at(None, path=path, reason=f"it is no builder: {error}")) from error


class Change:
    """A store while its lock is held. What goes wrong raises `OSError`, which ends the transaction with `Failed`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        for left in store.folder.glob(f"{NEW}*"):  # by somebody who was killed: nobody else writes now
            left.unlink(missing_ok=True)

    def save(self, builder: StoredBuilder) -> None:
        name = check_name(builder.name)
        self.touch(builder.name)
        self._store.write(f"instances/{name}", encode(builder))

    def remove(self, name: str) -> None:
        """Also one that cannot be read."""
        import shutil

        name = check_name(name)
        folder = self._store.folder
        (folder / "activity" / name).unlink(missing_ok=True)
        shutil.rmtree(self._store.make_refs() / name, ignore_errors=True)
        (folder / "instances" / name).unlink(missing_ok=True)

    def leave(self, builder: StoredBuilder, node: str) -> StoredBuilder:
        """Take a node out. Raises `Failed`."""
        import shutil

        left = builder.leave(node)
        shutil.rmtree(self._store.make_refs() / builder.name / node, ignore_errors=True)
        self.save(left)
        return left

    def use(self, key: str, name: str, *, is_global: bool = False, is_default: bool = False) -> None:
        """Make a builder the current one of the engine that is called `key`, or of all. An empty name is none."""
        from bakec.ir import gojson

        document = {"Key": key, "Name": name, "Global": is_global}
        self._store.write("current", gojson.dumps(document).encode())
        path = f"defaults/{_hash(key)}"
        if is_default:
            self._store.write(path, name.encode())
        else:
            (self._store.folder / path).unlink(missing_ok=True)

    def touch(self, name: str) -> None:
        self._store.write(f"activity/{name}", _now())


# The form of a file


def encode(builder: StoredBuilder) -> bytes:
    """As buildx writes it: no line feed, `null` for what was never set."""
    from bakec.ir import gojson

    document = {
        "Name": builder.name,
        "Driver": builder.driver,
        "Nodes": [_encode_node(node) for node in builder.nodes] or None,
        "Dynamic": builder.is_dynamic,
    }
    return gojson.dumps(document).encode()


def _encode_node(node: StoredNode) -> dict[str, object]:
    files = node.files
    return {
        "Name": node.name,
        "Endpoint": node.endpoint,
        "Platforms": None if node.platforms is None else [_encode_platform(one) for one in node.platforms],
        "DriverOpts": None if node.options is None else dict(sorted(node.options.items())),
        "Flags": None if node.flags is None else list(node.flags),
        "Files": None if files is None else {name: base64.b64encode(files[name]).decode() for name in sorted(files)},
    }


def _encode_platform(platform: Platform) -> dict[str, object]:
    optional = {
        "os.version": platform.os_version,
        "os.features": list(platform.os_features),
        "variant": platform.variant,
    }
    found = {key: value for key, value in optional.items() if value}
    return {"architecture": platform.architecture, "os": platform.os, **found}


def _decode(document: Mapping[str, Any], file_name: str) -> StoredBuilder:
    nodes = document.get("Nodes") or ()
    return StoredBuilder(
        name=str(document.get("Name") or file_name),
        driver=str(document.get("Driver") or ""),
        nodes=tuple(map(_decode_node, nodes)),
        is_dynamic=bool(document.get("Dynamic")),
    )


def _decode_node(node: Mapping[str, Any]) -> StoredNode:
    platforms, options, flags, files = (node.get(key) for key in ("Platforms", "DriverOpts", "Flags", "Files"))
    return StoredNode(
        name=str(node.get("Name") or ""),
        endpoint=str(node.get("Endpoint") or ""),
        platforms=None if platforms is None else tuple(map(_decode_platform, platforms)),
        options=None if options is None else {str(key): str(value) for key, value in options.items()},
        flags=None if flags is None else tuple(map(str, flags)),
        files=None if files is None else {name: base64.b64decode(files[name] or "", validate=True) for name in files},
    )


def _decode_platform(found: Mapping[str, Any]) -> Platform:
    return Platform(
        os=str(found.get("os") or ""),
        architecture=str(found.get("architecture") or ""),
        variant=str(found.get("variant") or ""),
        os_version=str(found.get("os.version") or ""),
        os_features=tuple(map(str, found.get("os.features") or ())),
    )


# Files


def _now() -> bytes:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()).encode()


def _object(path: Path, data: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(data)
    except ValueError as error:
        reason = error if data.strip() else "it is empty"
        raise fail(BROKEN_STORE.at(None, path=path, reason=reason)) from error
    if not isinstance(value, dict):
        raise fail(BROKEN_STORE.at(None, path=path, reason="it is no JSON object"))
    return value


def _bytes_of(path: Path) -> bytes | None:
    """None where there is no such file."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise fail(BROKEN_STORE.at(None, path=path, reason=error.strerror)) from error


def _listed(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - names, not paths
    except FileNotFoundError:
        return []
    except OSError as error:
        raise fail(BROKEN_STORE.at(None, path=folder, reason=error.strerror)) from error


def _hash(key: str) -> str:
    return sha256(key.encode())[:KEY_LENGTH]


def _sudoer(env: Mapping[str, str], folder: Path) -> tuple[int, int] | None:
    """User and group of who runs this with sudo in his own home; what is written there stays his."""
    user, group, home = env.get("SUDO_UID", ""), env.get("SUDO_GID", ""), env.get("HOME", "")
    if "SUDO_COMMAND" not in env or not (user.isdecimal() and group.isdecimal() and home):
        return None
    with suppress(KeyError):
        if pwd.getpwuid(int(user)).pw_dir == home and Path(home) in Path(os.path.normpath(folder)).parents:
            return int(user), int(group)
    return None
