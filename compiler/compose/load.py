"""The way into the Compose front end: is a file Compose at all, and what do all of them together define."""

from __future__ import annotations

from types import MappingProxyType

from bakec.compiler.compose.consistency import check_consistency
from bakec.compiler.compose.interpolate import Environment
from bakec.compiler.compose.model import PROJECT_NAME, load_model, parse_file, project_name
from bakec.compiler.compose.project import make_project
from bakec.compiler.compose.targets import make_targets
from bakec.ir.diagnostics import Diagnostics, Failed
from bakec.ir.module import Definitions
from bakec.ir.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

    from bakec.compiler.compose.model import File, Read
    from bakec.compiler.compose.project import Project
    from bakec.ir.diagnostics import Diagnostic
    from bakec.ir.origin import OriginKind
    from bakec.ir.span import Source

_NO_KINDS: Final[Mapping[str, OriginKind]] = MappingProxyType({})


def probe(source: Source, env: Mapping[str, str], read: Read) -> Diagnostic | None:
    """Why `source` is no Compose file; None if it is one. Reports nothing."""
    try:
        _project([_alone(source)], Environment(env, Diagnostics()), read)
    except Failed as failure:
        return failure.diagnostics[0]
    return None


def load_compose(
    sources: Sequence[Source],
    env: Mapping[str, str],
    read: Read,
    sink: Diagnostics,
    *,
    kinds: Mapping[str, OriginKind] = _NO_KINDS,
) -> Definitions:
    """What the Compose files `sources` define as one project; what is wrong goes to `sink`.

    `env` is what they may interpolate: the environment, `.env` below it, `--var` above. `kinds` says of a variable
    that it is not from the environment. `read` gives the bytes of a file that one of them names (`extends`,
    `include`, `env_file`), None if it does not exist.
    """
    environment = Environment(env, sink, kinds)
    try:
        project = _checked(sources, environment, read)
    except Failed as failure:
        sink.extend(failure.diagnostics)
        return Definitions(targets=(), groups=())
    try:
        check_consistency(project)
        return make_targets(project, sources[0])
    except Failed as failure:
        sink.extend(map(_wrapped, failure.diagnostics))
        return Definitions(targets=(), groups=())


def _checked(sources: Sequence[Source], env: Environment, read: Read) -> Project:
    """The project. Each of several files must be right on its own as well."""
    files = list(map(_alone, sources))
    for file in files:
        project = _project([file], env, read)
    if len(files) == 1:
        return project
    try:
        return _project([replace(file, name=file.source.name) for file in files], env, read)
    except Failed as failure:
        raise Failed(map(_wrapped, failure.diagnostics)) from failure


def _alone(source: Source) -> File:
    """A file as it is checked on its own: the reference does not name it then."""
    return parse_file("", source, called="")


def _project(files: Sequence[File], env: Environment, read: Read) -> Project:
    env = env.having({**env.values, PROJECT_NAME: project_name(files, env)})
    return make_project(load_model(files, env, read), env, read)


def _wrapped(diagnostic: Diagnostic) -> Diagnostic:
    """As the reference words what it finds once it takes all files together."""
    return replace(diagnostic, summary=f"failed to parse compose file: {diagnostic.summary}")
