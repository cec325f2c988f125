"""Files to one model: includes, resets, extends, then one document on top of the other."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from bakec.compiler.compose.canonical import canonical, with_defaults
from bakec.compiler.compose.document import parse_documents
from bakec.compiler.compose.dotenv import DotenvError, parse_dotenv
from bakec.compiler.compose.extends import Extension
from bakec.compiler.compose.interpolate import interpolate
from bakec.compiler.compose.merge import merge, merge_at, unique
from bakec.compiler.compose.nodes import Listing, Scalar, Table, is_null, plain_text
from bakec.compiler.compose.paths import folder_of, join, relative, resolve_paths
from bakec.compiler.compose.resets import cleared, without
from bakec.ir.codes.compose import EXTENDS, INCLUDE, MISSING_FILE, NOT_A_MAPPING, STRUCTURE
from bakec.ir.diagnostics import Failed, fail
from bakec.ir.quoting import quote
from bakec.ir.records import dataclass, replace
from bakec.ir.span import Source, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Final, TypeAlias

    from bakec.compiler.compose.interpolate import Environment
    from bakec.compiler.compose.nodes import Node
    from bakec.compiler.compose.resets import Path

Read: TypeAlias = Callable[[str], bytes | None]
"""The bytes of a file, None if it does not exist."""

PROJECT_NAME: Final = "COMPOSE_PROJECT_NAME"
_DEFAULT_NAME: Final = "bake"


@dataclass(frozen=True, slots=True)
class File:
    """One file, parsed; `name` is what messages call it. `failure` is what came behind the last document."""

    name: str
    source: Source
    documents: tuple[Node, ...]
    failure: Failed | None = None


def parse_file(name: str, source: Source, *, called: str) -> File:
    """Read the documents of `source`; what is wrong is kept for whoever uses it, and calls the file `called`."""
    documents: list[Node] = []
    try:
        documents.extend(parse_documents(source, called))
    except Failed as failure:
        return File(name, source, tuple(documents), failure)
    return File(name, source, tuple(documents))


@dataclass(frozen=True, slots=True)
class _Scope:
    """How the files of one `include` (or the first ones) are read. `local` is their folder, `folder` the same seen
    from the file that includes them; `included` are the files on the way here."""

    env: Environment
    folder: str = ""
    local: str = ""
    included: tuple[str, ...] = ()


def load_model(files: Sequence[File], env: Environment, read: Read) -> Table:
    """The model of all `files` together, interpolated and in long form. Raises `Failed`."""
    return _Loader(read).model(files, _Scope(env))


def project_name(files: Iterable[File], env: Environment) -> str:
    """`name` of the last file that has one, else `COMPOSE_PROJECT_NAME`, else `bake`. What is wrong with a file
    is left for the loading of it to say, but not what is wrong in the name."""
    found: Scalar | None = None
    for file in files:
        for document in file.documents:
            name = document.items.get("name") if isinstance(document, Table) else None
            if isinstance(name, Scalar) and name.value not in ("", None):
                found = name
    if found:
        named = interpolate(Table({"name": Scalar(plain_text(found.value), found.span)}, found.span), env)
        name = named.items["name"]
        if isinstance(name, Scalar) and name.value:
            return plain_text(name.value)
    return env.values.get(PROJECT_NAME) or _DEFAULT_NAME


class _Loader:
    """Loads models; files that several services extend, or several files include, are loaded once."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._bases: dict[object, tuple[dict[str, Node], frozenset[Path]]] = {}
        self._models: dict[object, Table] = {}

    def model(self, files: Sequence[File], scope: _Scope) -> Table:
        model = Table({}, Span(files[0].source, 0, 0))
        for file in files:
            model, _ = self._load(file, model, scope, whole=True)
        model = resolve_paths(with_defaults(model), scope.folder, scope.env.values)
        return _with_environment(model, scope.env)

    def _load(self, file: File, model: Table, scope: _Scope, *, whole: bool) -> tuple[Table, frozenset[Path]]:
        """`file` on top of `model`, and what its last document resets. `whole`: with what it includes and its
        services extend."""
        resets: frozenset[Path] = frozenset()
        for document in file.documents:
            if not isinstance(document, Table):
                raise fail(NOT_A_MAPPING.at(document.span))
            resets = frozenset(cleared(document, ())) if "!" in file.source.text else frozenset()
            part = interpolate(document, scope.env)
            if whole:
                part = self._including(part, resets, replace(scope, included=(*scope.included, file.name)))
            model = without(model, resets)
            if whole:
                part = self._extended(part, resets, scope, file.name)
            model = unique(merge(model, part))
            model = unique(canonical(model, scope.env.sink))
        if file.failure:
            raise file.failure
        return model, resets

    def _file(self, path: str, span: Span) -> File:
        data = self._read(path)
        if data is None:
            raise fail(MISSING_FILE.at(span, path=path))
        return parse_file(path, Source(path, data.decode("utf-8", "replace")), called=path)

    # --- include

    def _including(self, model: Table, resets: frozenset[Path], scope: _Scope) -> Table:
        for entry in _include_entries(model.items.get("include")):
            imported = self._include(entry, scope)
            for key in ("services", "secrets"):
                model = _import(model, imported, key, resets)
        return model.having({key: item for key, item in model.items.items() if key != "include"})

    def _include(self, entry: Table, scope: _Scope) -> Table:
        paths = [(join_from(scope.local, text), span) for text, span in _texts(entry, "path")]
        if not paths:
            return Table({}, entry.span)
        first, span = paths[0]
        if first in scope.included:
            way = "\n include ".join((*scope.included, first))
            raise fail(INCLUDE.at(span, message=f"include cycle detected:\n{way}"))
        directory = next((text for text, _ in _texts(entry, "project_directory") if text), None)
        local = folder_of(first) if directory is None else join_from(scope.local, directory)
        values = self._include_env(entry, local, scope)
        base = local
        if directory is not None and not directory.startswith("/") and not self._is_folder(local):
            # Of one that is not there, the reference takes the folder that it would be in.
            base = join_from(scope.local, folder_of(directory))
        # The reference takes the folder of a file in an included file twice where it is relative.
        inner = _Scope(scope.env.having(values), relative(scope.local, base), local, scope.included)
        key = (tuple(path for path, _ in paths), inner.folder, inner.local, tuple(sorted(values.items())))
        if key not in self._models:
            self._models[key] = self.model([self._file(path, span) for path, span in paths], inner)
        return self._models[key]

    def _is_folder(self, path: str) -> bool:
        """Whether there is something that cannot be read as a file."""
        try:
            self._read(path)
        except Failed:
            return True
        return False

    def _include_env(self, entry: Table, local: str, scope: _Scope) -> Mapping[str, str]:
        """The variables of an included file: ours, under them those of its `env_file` or of its `.env`."""
        env = scope.env
        listed = [item for item in _texts(entry, "env_file") if item[0] != "/dev/null"]
        named = [(join_from(scope.local, text), span) for text, span in listed]
        added: dict[str, str] = {}
        for path, span in named or [(join(local, ".env"), entry.span)]:
            data = self._read(path)
            if data is None and named:
                raise fail(INCLUDE.at(span, message=f"stat {path}: no such file or directory"))
            text = (data or b"").decode("utf-8", "replace").removeprefix("\ufeff")
            try:
                added = parse_dotenv(text, env.values, known=added, unset=lambda name: env.warn(name, None))
            except DotenvError as error:
                raise fail(INCLUDE.at(span, message=f"failed to read {path}: {error}")) from error
        return {**added, **env.values}

    # --- extends

    def _extended(self, model: Table, resets: frozenset[Path], scope: _Scope, name: str) -> Table:
        services = model.items.get("services")
        if services is None:
            return model
        if not isinstance(services, Table):
            raise fail(STRUCTURE.at(services.span, message="services must be a mapping"))
        extension = Extension(name, partial(self._base, scope))
        done = dict(services.items)
        for service in services.items:
            done[service] = extension.service(service, done, resets, ())
        return model.having({**model.items, "services": services.having(done)})

    def _base(self, scope: _Scope, name: str, path: str, span: Span) -> tuple[dict[str, Node], frozenset[Path]]:
        """The services of a file that service `name` extends one of, before they extend others themselves."""
        local = join_from(scope.local, path)
        folder = relative(scope.local, folder_of(local))
        key = (local, folder, scope.env)
        if key not in self._bases:
            file = self._file(local, span)
            model, resets = self._load(file, Table({}, Span(file.source, 0, 0)), scope, whole=False)
            services = resolve_paths(model, folder, scope.env.values).items.get("services")
            if not isinstance(services, Table):
                problem = "no services section" if services is None else "services must be a mapping"
                message = f"cannot extend service {quote(name)} in {local}: {problem}"
                raise fail(EXTENDS.at(span, message=message))
            self._bases[key] = (dict(services.items), resets)
        services_of, resets = self._bases[key]
        return dict(services_of), resets


def join_from(folder: str, path: str) -> str:
    return path if path.startswith("/") else join(folder, path)


# --- includes ---------------------------------------------------------------------------------------------------


def _include_entries(include: Node | None) -> Iterable[Table]:
    if include is None or is_null(include):
        return
    if not isinstance(include, Listing):
        text = plain_text(include.value) if isinstance(include, Scalar) else "a mapping"
        raise fail(INCLUDE.at(include.span, message=f"`include` must be a list, got {text}"))
    for item in include.items:
        if isinstance(item, Table):
            yield item
        elif isinstance(item, Scalar) and isinstance(item.value, str):
            yield Table({"path": item}, item.span)
        else:
            raise fail(INCLUDE.at(item.span, message="an element of `include` must be a string or a mapping"))


def _texts(entry: Table, key: str) -> list[tuple[str, Span]]:
    """An attribute of an `include` that is a string or a list of strings."""
    node = entry.items.get(key)
    if node is None or is_null(node):
        return []
    found = []
    for item in node.items if isinstance(node, Listing) else (node,):
        if not isinstance(item, Scalar) or not isinstance(item.value, str):
            raise fail(INCLUDE.at(item.span, message=f"include.{key} must be a string"))
        found.append((item.value, item.span))
    return found


def _import(model: Table, imported: Table, key: str, resets: frozenset[Path]) -> Table:
    """`model` with the services or secrets of an included model: where it has one of the same name, on top."""
    added = imported.items.get(key)
    if not isinstance(added, Table):
        return model
    own = model.items.get(key, Table({}, added.span))
    if not isinstance(own, Table):
        raise fail(STRUCTURE.at(own.span, message=f"{key} must be a mapping"))
    items = dict(own.items)
    kept = without(Table({key: added}, added.span), resets).items[key]
    for name, node in added.items.items():
        if name in items and isinstance(kept, Table) and name in kept.items:
            items[name] = merge_at(f"{key}.{name}", kept.items[name], items[name])
        else:
            items.setdefault(name, node)
    merged = Table(items, own.span, {**added.keys, **own.keys})
    return model.having({**model.items, key: merged})


# --- environment ------------------------------------------------------------------------------------------------


def _with_environment(model: Table, env: Environment) -> Table:
    """Names without a value in a service's list of variables get theirs."""
    services = model.items.get("services")
    if not isinstance(services, Table):
        return model
    filled: dict[str, Node] = {}
    for name, service in services.items.items():
        listed = service.items.get("environment") if isinstance(service, Table) else None
        if isinstance(service, Table) and isinstance(listed, Listing):
            items = tuple([_valued(item, env) for item in listed.items])
            filled[name] = service.having({**service.items, "environment": Listing(items, listed.span)})
    return model.having({**model.items, "services": services.having({**services.items, **filled})})


def _valued(item: Node, env: Environment) -> Node:
    if not isinstance(item, Scalar) or not isinstance(item.value, str) or item.value not in env.values:
        return item
    return Scalar(f"{item.value}={env.values[item.value]}", item.span, (env.origin(item.value),))
