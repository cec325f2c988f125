"""Two targets of one run that export their caches to one place."""

from __future__ import annotations

from bakec.compiler.lint.project import listed, shared
from bakec.ir.codes import lint as codes
from bakec.ir.module import entries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from bakec.compiler.lint.project import Owners, Project
    from bakec.ir.diagnostics import Diagnostic

PLACES: Final = {"registry": "ref", "local": "dest", "gha": "scope", "s3": "name", "azblob": "name"}
"""The attribute that tells caches of one kind apart."""

GOOD: Final = """\
group "default" {
  targets = ["app", "tools"]
}
target "app" {
  cache-to = ["type=registry,ref=user/cache:app"]
}
target "tools" {
  cache-to = ["type=registry,ref=user/cache:tools"]
}
"""
BAD: Final = """\
group "default" {
  targets = ["app", "tools"]
}
target "app" {
  cache-to = ["type=registry,ref=user/cache"]
}
target "tools" {
  cache-to = ["type=registry,ref=user/cache"]
}
"""


def check(project: Project) -> Iterator[Diagnostic]:
    owners: Owners = {}
    for name, target in project.selection.targets.items():
        for cache in entries(target.fields.get("cache-to")):
            kind = str(cache.attrs["type"])
            if kind in PLACES:
                place = f"type={kind},{PLACES[kind]}={cache.attrs.get(PLACES[kind], '')}"
                owners.setdefault(place, []).append((name, cache.origin))
    for place, names, span in shared(owners):
        yield codes.SHARED_CACHE.at(span, targets=listed(names), place=place)
