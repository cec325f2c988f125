"""What a job reads of its folders, as far as its Dockerfile tells: the paths that some step copies or mounts.

The Dockerfile is lowered for that alone, with bare images in place of those it starts from. What such an image adds
by itself, with ONBUILD, does not show; where a path hangs on its environment, the folder is read as a whole.
"""

from __future__ import annotations

import base64
import json
import re
from itertools import chain

from bakec.compiler.dockerfile.lower import lower
from bakec.compiler.dockerfile.request import ImageAnswer, LowerFailed, NoResolver
from bakec.compiler.lowering import NotLowered, request_alone, syntax_of
from bakec.ir.llb.ops import SourceOp, decode_op
from bakec.ir.llb.wire import WireError
from bakec.ir.platforms import AMD64
from bakec.ir.records import NamedTuple, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Final

    from bakec.compiler.dockerfile.request import ImageRequest
    from bakec.compiler.lowering import Reader
    from bakec.ir.plan import Job, Plan
    from bakec.ir.platforms import Platform

_LOCAL: Final = "local://"
_KNOWN: Final = ("docker.io/docker/dockerfile", "docker.io/docker/dockerfile-upstream")
"""Frontends that read a Dockerfile as this compiler does."""
_CHECK: Final = "build-arg:BUILDKIT_DOCKERFILE_CHECK"
_UNDEFINED: Final = re.compile(r"undefined variable '\$(\w+)'")
_VARIES: Final = re.compile(
    r"^\s*FROM\s+(?:--\S+\s+)*(\S+)|^\s*(?:ONBUILD\s+)?(?:COPY|ADD)\s(.*)|--mount=(\S*)", re.IGNORECASE | re.MULTILINE
)
"""What decides which paths are read: the names of stages, and the paths themselves."""
_UNKNOWN: Final = "\ufffd"
"""A value that no path holds."""


class Reading(NamedTuple):
    """A folder that is read: the path in the plan, and patterns as a daemon sends them; without `follow` all of it."""

    path: str
    follow: tuple[str, ...]
    exclude: tuple[str, ...]


class _Bare(NoResolver):
    """Knows every image as an empty one, whose environment has values that nobody knows."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._env = [f"{name}={_UNKNOWN}" for name in names]

    def image(self, request: ImageRequest) -> ImageAnswer:
        return ImageAnswer(ref=request.ref, digest="", config=self._config(request.platform or AMD64))

    def _config(self, one: Platform) -> bytes:
        config = {"architecture": one.architecture, "os": one.os, "variant": one.variant, "config": {"Env": self._env}}
        return json.dumps(config).encode()

    @property
    def linked(self) -> str:
        """The same of the result of another target."""
        return json.dumps({"containerimage.config": base64.b64encode(self._config(AMD64)).decode()})


def of_frontend(job: Job, reader: Reader) -> list[Reading] | None:
    """What a job of a frontend reads; None if that cannot be told."""
    try:
        files = reader.files(job)
        syntax = syntax_of(job, files)[0].partition("@")[0].rpartition(":")[0]
        if syntax and syntax not in _KNOWN:
            return None
        request = request_alone(job, files, _Bare(), "")
        text = files.dockerfile.decode("utf-8", "replace").replace("\\\n", " ").replace("`\n", " ")
        chosen = " ".join(chain.from_iterable(_VARIES.findall(text)))
        if "$" in chosen and ("BUILD" in chosen or ("TARGET" in text and not job.platforms)):
            return None  # the builder's platform decides
        # Whatever the file says of checks, that of variables is needed.
        request = replace(request, attrs={**request.attrs, _CHECK: "error=false"})
        lowered = lower(request)
        undefined = {name for warning in lowered.warnings for name in _UNDEFINED.findall(warning.message)}
        if undefined and "$" in chosen:
            bare = _Bare(sorted(undefined))
            linked = {f"input-metadata:{need.context}": bare.linked for need in job.needs}
            lowered = lower(replace(request, resolver=bare, attrs={**request.attrs, **linked}))
    except (NotLowered, LowerFailed, KeyError):
        return None
    return list(_readings(job, (op for build in lowered.builds for op in build.definition.ops)))


def of_graph(job: Job, plan: Plan) -> list[Reading]:
    """What a lowered job reads. Its graph holds those of the targets that it uses, whose folders are left out."""
    digests = dict.fromkeys(digest for build in getattr(job.solve, "builds", ()) for digest in build.ops)
    return list(_readings(job, (plan.ops[digest] for digest in digests)))


def _readings(job: Job, ops: Iterable[bytes]) -> Iterator[Reading]:
    homes = {one.name: one.path for one in job.locals}
    for data in ops:
        try:
            op = decode_op(data).op
        except WireError:
            continue  # the plan of a stranger: no builder will take it
        if isinstance(op, SourceOp) and op.identifier.startswith(_LOCAL):
            home = homes.get(op.identifier.removeprefix(_LOCAL))
            if home is not None and home == op.attrs.get("local.session"):
                follow, exclude = (
                    _texts(op.attrs.get(f"local.{key}", "")) for key in ("followpaths", "excludepatterns")
                )
                yield Reading(home, () if any(_UNKNOWN in path for path in follow) else follow, exclude)


def _texts(json_text: str) -> tuple[str, ...]:
    try:
        found = json.loads(json_text or "[]")
    except ValueError:
        return ()
    return tuple(map(str, found)) if isinstance(found, list) else ()
