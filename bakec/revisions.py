"""Definition files out of git: what a compilation of one revision may read, in a folder of its own."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bakec.ir.codes import plan as codes
from bakec.ir.diagnostics import fail
from bakec.ir.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Final

_SUFFIXES: Final = (".hcl", ".json", ".yaml", ".yml", ".env", ".dockerignore")
_PREFIXES: Final = (".env", "bakec.lock", "Containerfile")
_MAX_FILE: Final = 4 << 20
"""Larger files are no definitions."""


class _Blob(NamedTuple):
    id: str
    path: str


def split_range(text: str) -> tuple[str, str] | None:
    """The two revisions of `OLD..NEW`; either may be left out and is `HEAD` then."""
    old, dots, new = text.partition("..")
    return (old or "HEAD", new or "HEAD") if dots and not new.startswith(".") else None


def is_revision(text: str, folder: Path) -> bool:
    """Whether git knows `text` as a commit."""
    return _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{text}^{{commit}}").returncode == 0


@contextmanager
def checkout(revision: str, folder: Path, named: Iterable[str] = ()) -> Iterator[Path]:
    """The folder that stands for `folder` at `revision`, with every definition file of the whole tree and those
    `named`. It is gone afterwards. Raises `Failed`."""
    prefix = os.fsdecode(_output(revision, folder, "rev-parse", "--show-prefix").rstrip(b"\n"))
    here = os.path.realpath(folder)
    top_folder = here[: len(here) - len(prefix.rstrip("/"))] if prefix else here
    wanted = {os.path.relpath(Path(here, name), top_folder) for name in named}
    listing = _output(revision, folder, "ls-tree", "-r", "-z", "--long", "--full-tree", "--end-of-options", revision)
    blobs = [blob for blob in _blobs(listing.decode("utf-8", "surrogateescape")) if _is_definition(blob.path, wanted)]
    with TemporaryDirectory(prefix="bakec-") as temporary:
        top = Path(temporary).resolve()
        for blob, data in zip(blobs, _contents(revision, folder, blobs), strict=True):
            path = top / blob.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        inside = top / prefix
        inside.mkdir(parents=True, exist_ok=True)
        yield inside


def changed_since(revision: str, folder: Path) -> list[str]:
    """The files of the whole tree that differ from `revision`; new ones too, unless git ignores them. Absolute paths.
    Raises `Failed`."""
    top = Path(os.fsdecode(_output(revision, folder, "rev-parse", "--show-toplevel").rstrip(b"\n")))
    options = ("--name-only", "-z", "--no-renames", "--no-ext-diff", "--ignore-submodules=none")
    differing = _output(revision, top, "diff", *options, revision, "--")
    new = _output(revision, top, "ls-files", "--others", "--exclude-standard", "-z")
    names = os.fsdecode(differing + new).split("\0")
    return [str(top / name) for name in names if name]


def base_of(revision: str, folder: Path) -> str:
    """The commit where `revision` and the current one parted; `revision` where git does not know it. Raises `Failed`
    for what is no revision."""
    _output(revision, folder, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}")
    done = _git(folder, "merge-base", "--end-of-options", revision, "HEAD")
    return revision if done.returncode else done.stdout.decode().strip()


def _blobs(listing: str) -> Iterator[_Blob]:
    """Regular files of `ls-tree`; links and submodules are left out, and so are names that no checkout may have."""
    for line in listing.split("\0"):
        head, tab, path = line.partition("\t")
        if tab and head.startswith("100") and ".." not in path.split("/"):
            _, _, blob, size = head.split()
            if int(size) <= _MAX_FILE:
                yield _Blob(blob, path)


def _is_definition(path: str, wanted: set[str]) -> bool:
    name = path.rpartition("/")[2]
    return name.endswith(_SUFFIXES) or name.startswith(_PREFIXES) or "ockerfile" in name or path in wanted


def _contents(revision: str, folder: Path, blobs: Sequence[_Blob]) -> Iterator[bytes]:
    """The bytes of each file, from one git process."""
    asked = "".join(f"{blob.id}\n" for blob in blobs).encode()
    data = _output(revision, folder, "cat-file", "--batch", given=asked)
    at = 0
    for _ in blobs:
        end = data.index(b"\n", at)
        size = int(data[at:end].split()[2])
        yield data[end + 1 : end + 1 + size]
        at = end + size + 2


def _output(revision: str, folder: Path, *arguments: str, given: bytes = b"") -> bytes:
    done = _git(folder, *arguments, given=given)
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["git failed"]
        raise fail(codes.GIT.at(None, revision=revision, reason=lines[-1].removeprefix("fatal: ")))
    return done.stdout


def _git(folder: Path, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = ("git", "-C", str(folder), "--no-optional-locks", *arguments)
    try:
        return subprocess.run(command, input=given, capture_output=True, check=False)
    except FileNotFoundError:
        return subprocess.CompletedProcess(command, 127, b"", b"git is not installed")
