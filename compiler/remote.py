"""Definitions that are elsewhere: what to fetch, and paths in them as paths there."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from bakec.compiler import refs
from bakec.ir.codes import define as codes
from bakec.ir.diagnostics import fail
from bakec.ir.records import dataclass, replace
from bakec.ir.values import Value, string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bakec.ir.llb.state import State
    from bakec.ir.module import FieldValue, Selection, Target

_HERE = ("cwd://", "target:", "docker-image:")


@dataclass(frozen=True, slots=True)
class Remote:
    """Definitions that were fetched: names and contents, and the URL that their paths are relative to, empty when the
    URL was the definition itself."""

    files: tuple[tuple[str, bytes], ...]
    tree: str = ""


def definition_state(url: str) -> tuple[State, bool]:
    """What makes the files at `url`, and whether that is a single file. Raises `Failed` for a bad Git reference."""
    from bakec.compiler.dockerfile.faults import DockerfileError
    from bakec.compiler.dockerfile.gitref import checkout, read_git_reference
    from bakec.ir.llb import sources
    from bakec.ir.llb.graph import NOTHING

    try:
        found = read_git_reference(url)
    except DockerfileError as error:
        raise fail(codes.BAD_OPTION.at(None, reason=error)) from error
    if found is None:
        return sources.http(url, filename="definition"), True
    state = checkout(found, keep_git_dir=False, mtime=found.mtime, checksum=found.checksum, about=NOTHING)
    return state, False


def rebind(selection: Selection, url: str) -> Selection:
    """Contexts of targets that were defined at `url` as places there; `cwd://` ones stay folders of this machine."""
    return replace(selection, targets={name: _target(one, url) for name, one in selection.targets.items()})


def rebind_named(selection: Selection, url: str) -> Selection:
    """The same for named contexts, which are printed as they were written."""
    targets = {name: _named(one, url) for name, one in selection.targets.items()}
    return replace(selection, targets=targets)


def _target(target: Target, url: str) -> Target:
    context = target.fields.get("context")
    if not isinstance(context, Value):
        return target
    return replace(target, fields={**target.fields, "context": _moved(context, url)})


def _named(target: Target, url: str) -> Target:
    contexts = target.fields.get("contexts")
    if not isinstance(contexts, Mapping):
        return target
    moved: FieldValue = {name: _moved(value, url) for name, value in contexts.items()}
    return replace(target, fields={**target.fields, "contexts": moved})


def _moved(value: Value, url: str) -> Value:
    text = value.text
    if text.startswith(_HERE) or refs.is_remote(text):
        return value
    return string(with_subdir(url, text)).with_origin(value.origin)


def with_subdir(url: str, path: str) -> str:
    """The Git reference of folder `path` in the repository at `url`; another URL is returned as it is."""
    from bakec.compiler.dockerfile.gitref import read_git_reference
    from bakec.ir import urls

    folder = posixpath.normpath(path)
    found = None if folder == "." else read_git_reference(url)
    if found is None:
        return url
    if found.subdir:
        folder = posixpath.normpath(posixpath.join(found.subdir, folder))
    base, hash_, fragment = url.partition("#")
    if not hash_ and "?" in url:
        head, _, query = url.partition("?")
        values = urls.parse_query(query)
        if "subdir" in values:
            values["subdir"] = [folder]
            return f"{head}?{urls.format_query(values)}"
    return f"{base}#{fragment.partition(':')[0]}:{folder}"
