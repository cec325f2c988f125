"""A directory of the client as the daemon sees it: walked in its order, filtered by its patterns.

Paths are relative, with `/`, and carry names that are not UTF-8 as surrogates. All of this blocks; the
services run it in threads.
"""

from __future__ import annotations

import fnmatch
import os
import stat as unix

from bakec.ir.records import NamedTuple, dataclass, field
from bakec.runtime.buildkit.patterns import Matcher, clean
from bakec.runtime.buildkit.wire import Stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# The bits of Go's os.FileMode, which is what travels; the lowest nine are the permissions.
DIRECTORY, SYMLINK, DEVICE, FIFO = 1 << 31, 1 << 27, 1 << 26, 1 << 25
SETUID, SETGID, CHAR_DEVICE, STICKY = 1 << 23, 1 << 22, 1 << 21, 1 << 20
IRREGULAR = 1 << 19
TYPE = DIRECTORY | SYMLINK | DEVICE | FIFO | 1 << 24 | CHAR_DEVICE | IRREGULAR
"""A file has data to ask for if none of these is set."""

_TYPES = {
    unix.S_IFDIR: DIRECTORY,
    unix.S_IFLNK: SYMLINK,
    unix.S_IFBLK: DEVICE,
    unix.S_IFCHR: DEVICE | CHAR_DEVICE,
    unix.S_IFIFO: FIFO,
}
"""A socket passes as a regular file: archives have no type for it."""


def go_mode(mode: int) -> int:
    """A file mode of stat(2) in Go's bits."""
    special = (
        (SETUID if mode & unix.S_ISUID else 0)
        | (SETGID if mode & unix.S_ISGID else 0)
        | (STICKY if mode & unix.S_ISVTX else 0)
    )
    return mode & 0o777 | _TYPES.get(unix.S_IFMT(mode), 0) | special


def permissions(mode: int) -> int:
    """The permissions of chmod(2) in Go's bits."""
    special = (
        (unix.S_ISUID if mode & SETUID else 0)
        | (unix.S_ISGID if mode & SETGID else 0)
        | (unix.S_ISVTX if mode & STICKY else 0)
    )
    return mode & 0o777 | special


@dataclass(slots=True)
class _Directory:
    """A directory on the way to the current entry."""

    entry: os.DirEntry[str]
    path: str
    included: list[bool]
    excluded: list[bool]
    sent: bool = False


@dataclass(slots=True)
class Filter:
    """What the daemon asks for: entries that match `include` (all, when there is none) and not `exclude`."""

    include: Matcher | None = None
    exclude: Matcher | None = None

    def passes(self, entry: _Directory, parent: _Directory | None) -> tuple[bool, bool]:
        """Whether the entry itself passes, and whether something below it could. Fills its match lists."""
        passes = descends = True
        if self.include is not None:
            matched, entry.included = self.include.match(entry.path, parent.included if parent else ())
            if not matched:
                passes, descends = False, self.include.may_hold(entry.path, exclusion=False)
        if self.exclude is not None and descends:
            matched, entry.excluded = self.exclude.match(entry.path, parent.excluded if parent else ())
            if matched:
                passes = False
                descends = self.exclude.has_exclusions and self.exclude.may_hold(entry.path, exclusion=True)
        return passes, descends

    def takes(self, name: str) -> bool:
        """Whether a file in the directory itself passes."""
        return (self.include is None or self.include.match(name, ())[0]) and not (
            self.exclude is not None and self.exclude.match(name, ())[0]
        )


def make_filter(root: str, *, include: Sequence[str], exclude: Sequence[str], follow: Sequence[str]) -> Filter:
    """`follow` are paths whose symbolic links are resolved below `root` and then included."""
    wanted = list(include)
    if follow:
        wanted = deduplicate([*wanted, *follow_links(root, follow)])
    return Filter(Matcher(wanted) if wanted else None, Matcher(exclude) if exclude else None)


@dataclass(slots=True)
class Walk:
    """One walk over `root`: entries depth first, by name. Directories that do not pass are given all the same
    when something below them does. What vanishes meanwhile is left out, as the reference does."""

    root: str
    filter: Filter
    links: dict[int, str] = field(default_factory=dict)
    """Inode -> the first path with it."""

    def __iter__(self) -> Iterator[Stat]:
        return self._walk(self.root, "", [])

    def _walk(self, folder: str, prefix: str, parents: list[_Directory]) -> Iterator[Stat]:
        for entry in _listing(folder):
            path = prefix + entry.name
            here = _Directory(entry, path, [], [])
            passes, descends = self.filter.passes(here, parents[-1] if parents else None)
            try:
                if passes:
                    yield from self._pending(parents)
                    here.sent = True
                    yield self.stat(entry, path)
                if descends and entry.is_dir(follow_symlinks=False):
                    yield from self._walk(entry.path, path + "/", [*parents, here])
            except FileNotFoundError:
                continue

    def _pending(self, parents: list[_Directory]) -> Iterator[Stat]:
        for parent in parents:
            if not parent.sent:
                parent.sent = True
                yield self.stat(parent.entry, parent.path)

    def stat(self, entry: os.DirEntry[str], path: str) -> Stat:
        info = entry.stat(follow_symlinks=False)
        mode, size, link, device = go_mode(info.st_mode), info.st_size, b"", (0, 0)
        if mode & DIRECTORY:
            size = 0
        elif mode & SYMLINK:
            link = os.fsencode(os.readlink(entry.path))  # noqa: PTH115 a Path would tidy the target
        elif mode & DEVICE:
            device = (info.st_rdev >> 8 & 0xFFF, info.st_rdev & 0xFF | info.st_rdev >> 12 & 0xFFF00)
        if info.st_nlink > 1 and not mode & (DIRECTORY | SYMLINK):
            first = self.links.setdefault(info.st_ino, path)
            if first != path:
                link, size = os.fsencode(first), 0
        return Stat(os.fsencode(path), mode, size, info.st_mtime_ns, link, device, _attributes(entry.path))


class Single(NamedTuple):
    """A directory that is on no disk, with one file in it. `mtime`, in nanoseconds, has to differ from that of any
    other content: the daemon takes a file of the same size and time for the one it has."""

    name: str
    data: bytes
    mtime: int

    def walk(self, chosen: Filter) -> Iterator[Stat]:
        if chosen.takes(self.name):
            yield Stat(os.fsencode(self.name), 0o644, len(self.data), self.mtime)


def _listing(folder: str) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: os.fsencode(entry.name))


def _attributes(path: str) -> tuple[tuple[bytes, bytes], ...]:
    """Extended attributes; none on a file system without them."""
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError:
        return ()
    found = []
    for name in sorted(names):
        try:
            value = os.getxattr(path, name, follow_symlinks=False)
        except OSError:
            continue  # not readable to us: the reference leaves it out as well
        found.append((os.fsencode(name), value))
    return tuple(found)


# Following links


def deduplicate(paths: list[str]) -> list[str]:
    """Without paths below others of the list; nothing at all when the root itself is asked for."""
    kept: list[str] = []
    last = ""
    for path in sorted(paths):
        if path == ".":
            return []
        if not (last and path.startswith(last + "/")):
            kept.append(path)
            last = path
    return kept


def follow_links(root: str, paths: Sequence[str]) -> list[str]:
    """The paths, and all that their symbolic links lead to below `root`. A `*` in a name is tried against
    what is there, for links only: a wildcard itself stays a pattern."""
    resolved: set[str] = set()
    for path in paths:
        _follow(root, path, resolved)
    return deduplicate(list(resolved))


def _follow(root: str, path: str, resolved: set[str]) -> None:
    rest = clean("/" + path)[1:].split("/")
    current = ""
    while True:
        name, *rest = rest
        current = f"{current}/{name}" if current else name
        targets = _link_targets(root, current, wildcard=True)
        if (not rest or targets) and (current or ".") in resolved:
            return
        if targets or not rest:
            resolved.add(current or ".")
        for target in targets:
            _follow(root, "/".join([target, *rest]), resolved)
        if targets or not rest:
            return


def _link_targets(root: str, path: str, *, wildcard: bool) -> list[str]:
    """Where the symbolic links named `path` lead, relative to the root; empty when there is none."""
    folder, _, name = path.rpartition("/")
    if wildcard and any(char in name for char in "*?["):
        try:
            names = [entry.name for entry in _listing(f"{root}/{folder}")]
        except OSError:
            return []
        found = (item for item in names if fnmatch.fnmatchcase(item, name))
        return [each for item in found for each in _link_targets(root, f"{folder}/{item}", wildcard=False)]
    try:
        link = os.readlink(f"{root}/{path}")  # noqa: PTH115 as above
    except OSError:
        return []
    return [clean(link if link.startswith("/") else f"/{folder}/{link}")[1:]]
