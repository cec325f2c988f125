"""`extends`: a service on top of another one, of the same file or of another."""

from __future__ import annotations

from bakec.compiler.compose.merge import merge_at
from bakec.compiler.compose.nodes import Scalar, Table, is_null
from bakec.compiler.compose.resets import without
from bakec.ir.codes.compose import EXTENDS, STRUCTURE
from bakec.ir.diagnostics import fail
from bakec.ir.quoting import quote
from bakec.ir.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from bakec.compiler.compose.nodes import Node
    from bakec.compiler.compose.resets import Path
    from bakec.ir.span import Span


@dataclass(frozen=True, slots=True)
class Extension:
    """Resolves `extends` in the services of the file `name`. `base` gives, for a service and the file it extends one
    of, that file's services and what it resets."""

    name: str
    base: Callable[[str, str, Span], tuple[dict[str, Node], frozenset[Path]]]

    def service(
        self, name: str, services: dict[str, Node], resets: frozenset[Path], chain: tuple[tuple[str, str], ...]
    ) -> Node:
        """Service `name` of `services`, with all that it extends. `resets` are those of the document it is in."""
        service = services[name]
        if is_null(service):
            return service
        if not isinstance(service, Table):
            raise fail(STRUCTURE.at(service.span, message=f"services.{name} must be a mapping"))
        if "extends" not in service.items:
            return service
        reference, path = _reference(name, service.items["extends"])
        span = service.items["extends"].span
        base_services, base_resets, file = services, resets, self.name
        if path is not None:
            base_services, base_resets = self.base(name, path, span)
            file = path
        if reference not in base_services:
            place = f" in {path}" if path is not None else ""
            message = f"cannot extend service {quote(name)} in {self.name}: service {quote(reference)} not found{place}"
            raise fail(EXTENDS.at(span, message=message))
        if len(chain) > 200:
            raise fail(EXTENDS.at(span, message=f"service {quote(name)} extends more than 200 others"))
        base = self.service(reference, base_services, base_resets, _longer(chain, (file, name), span))
        if is_null(base):
            return service
        kept = without(Table({"services": Table({name: base}, span)}, span), resets).items["services"]
        source = kept.items.get(name, Table({}, span)) if isinstance(kept, Table) else base
        merged = merge_at("services.x", source, service)
        assert isinstance(merged, Table)
        items = {key: item for key, item in merged.items.items() if key != "extends"}
        services[name] = Table(items, service.span, merged.keys)
        return services[name]


def _longer(chain: tuple[tuple[str, str], ...], link: tuple[str, str], span: Span) -> tuple[tuple[str, str], ...]:
    """`chain` with one more (file, service), unless that is in it."""
    if link not in chain:
        return (*chain, link)
    (file, service), *rest = chain
    lines = ["Circular reference:", f"  {service} in {file}"]
    lines += [f"  extends {service} in {file}" for file, service in (*rest, link)]
    raise fail(EXTENDS.at(span, message="\n".join(lines)))


def _reference(name: str, extends: Node) -> tuple[str, str | None]:
    """Service and file of an `extends`."""
    if isinstance(extends, Table):
        service, file = extends.items.get("service"), extends.items.get("file")
        if not isinstance(service, Scalar) or not isinstance(service.value, str):
            raise fail(EXTENDS.at(extends.span, message=f"extends.{name}.service is required"))
        if file is None or is_null(file):
            return service.value, None
        if not isinstance(file, Scalar) or not isinstance(file.value, str):
            raise fail(EXTENDS.at(file.span, message=f"services.{name}.extends.file must be a string"))
        return service.value, file.value
    return (extends.value if isinstance(extends, Scalar) and isinstance(extends.value, str) else ""), None
