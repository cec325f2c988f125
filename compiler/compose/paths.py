"""Relative paths of a model, cleaned and taken relative to the folder of their file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from bakec.compiler.compose.nodes import Listing, Scalar, Table
from bakec.compiler.compose.patterns import compiled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, TypeAlias

    from bakec.compiler.compose.nodes import Node
    from bakec.compiler.compose.patterns import Pattern

_REMOTE: Final = ("https://", "http://", "git://", "ssh://", "github.com/", "git@")
_WINDOWS: Final = re.compile(r"[A-Za-z]:[\\/]|\\\\")


def clean(path: str) -> str:
    """The shortest form: no `.`, no `x/..`, no double slash; `.` for nothing."""
    rooted = path.startswith("/")
    parts: list[str] = []
    for part in path.split("/"):
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part not in ("", ".") and not (part == ".." and rooted):
            parts.append(part)
    return ("/" if rooted else "") + "/".join(parts) or "."


def join(folder: str, path: str) -> str:
    """`path` in `folder`, cleaned; an empty folder or path is none."""
    return clean("/".join(filter(None, (folder, path)))) if folder or path else ""


def folder_of(path: str) -> str:
    return clean(path.rpartition("/")[0] or ("/" if path.startswith("/") else "."))


def relative(base: str, path: str) -> str:
    """`path` seen from `base`, or itself where that makes no sense."""
    if base.startswith("/") != path.startswith("/"):
        return path
    here, there = ([part for part in clean(text).split("/") if part not in ("", ".")] for text in (base, path))
    common = 0
    while common < min(len(here), len(there)) and here[common] == there[common]:
        common += 1
    if ".." in here[common:]:
        return path
    return "/".join([".."] * (len(here) - common) + there[common:]) or "."


def expanded(path: str, env: Mapping[str, str]) -> str:
    """A leading `~` is the home folder."""
    home = env.get("HOME")
    return join(home, path[1:]) if path.startswith("~") and home else path


Resolver: TypeAlias = Callable[[str, str, Mapping[str, str]], str]


def _plain(path: str, folder: str, env: Mapping[str, str]) -> str:
    path = expanded(path, env)
    return path if path.startswith("/") or not path else join(folder, path)


def _context(path: str, folder: str, env: Mapping[str, str]) -> str:
    if "://" in path or path.startswith(("service:", *_REMOTE)):
        return path
    return _plain(path, folder, env)


def _anywhere(path: str, folder: str, env: Mapping[str, str]) -> str:
    """A path of this or of another system."""
    path = expanded(path, env)
    return path if path.startswith("/") or _WINDOWS.match(path) else join(folder, path)


_RESOLVERS: Final[Pattern[Resolver]] = compiled(
    {
        "services.*.build.context": _context,
        "services.*.build.additional_contexts.*": _context,
        "services.*.build.ssh.*": _anywhere,
        "services.*.env_file.*.path": _plain,
        "services.*.extends.file": _plain,
        "secrets.*.file": _anywhere,
    }
)


def resolve_paths(model: Table, folder: str, env: Mapping[str, str]) -> Table:
    """`model` with its paths relative to what `folder` is relative to."""
    result = _resolved(model, _RESOLVERS, folder, env)
    assert isinstance(result, Table)
    return result


def _resolved(node: Node, rules: Pattern[Resolver], folder: str, env: Mapping[str, str]) -> Node:
    match node:
        case Scalar(value=str(path)) if rules.action:
            return Scalar(rules.action(path, folder, env), node.span, node.inputs)
        case Table():
            items = dict(node.items)
            for key, item in node.items.items():
                below = rules.step(key)
                if below:
                    items[key] = _resolved(item, below, folder, env)
            return node.having(items)
        case Listing() if below := rules.step("*"):
            return Listing(tuple([_resolved(item, below, folder, env) for item in node.items]), node.span)
        case _:
            return node
