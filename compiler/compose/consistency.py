"""What the parts of a project say about each other."""

from __future__ import annotations

from bakec.compiler.compose.nodes import Scalar, text_of
from bakec.ir.codes.compose import CONSISTENCY
from bakec.ir.diagnostics import Diagnostics
from bakec.ir.quoting import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

    from bakec.compiler.compose.decode import Service
    from bakec.compiler.compose.nodes import Table
    from bakec.compiler.compose.project import Project
    from bakec.ir.span import Span

_INVALID: Final = "invalid compose project"


def check_consistency(project: Project) -> None:
    """Raise `Failed` with everything that does not fit together."""
    errors = Diagnostics()
    for service in project.services.values():
        errors.extend(CONSISTENCY.at(span, problem=problem) for problem, span in _service_problems(service, project))
    for name, secret in project.secrets.items():
        if not is_external(secret) and not _says(secret, "file") and not _says(secret, "environment"):
            problem = f"secret {quote(name)} must declare either `file` or `environment`: {_INVALID}"
            errors.add(CONSISTENCY.at(secret.span, problem=problem))
    errors.check()


def is_external(secret: Table) -> bool:
    external = secret.items.get("external")
    return isinstance(external, Scalar) and external.value is True


def _says(table: Table, key: str) -> bool:
    return key in table.items and bool(text_of(table.items[key]))


def _service_problems(service: Service, project: Project) -> Iterable[tuple[str, Span]]:
    name, build = quote(service.name), service.build
    if build is None:
        if service.image is None or not service.image.value:
            problem = f"service {name} has neither an image nor a build context specified: {_INVALID}"
            yield problem, service.span
        return
    inline, file = (build.texts.get(key) for key in ("dockerfile_inline", "dockerfile"))
    if inline and inline.value and file and file.value:
        problem = f"service {name} declares mutualy exclusive dockerfile and dockerfile_inline: {_INVALID}"
        yield problem, inline.span
    for key, context in build.contexts.items():
        other = text_of(context).removeprefix("service:")
        if other == text_of(context):
            continue
        target = project.services.get(other)
        if target is None or target.build is None:
            kind = "unknown" if target is None else "non-buildable"
            yield f"service {name} declares {kind} service {quote(other)} as additional contexts {key}", context.span
    for secret in build.secrets:
        if text_of(secret) not in project.secrets:
            problem = f"service {name} refers to undefined build secret {text_of(secret)}: {_INVALID}"
            yield problem, secret.span
