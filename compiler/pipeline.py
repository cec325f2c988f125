"""The stages of the compiler, in their order. Each takes an immutable record and makes the next one.

files -> sources -> hcl | json | compose -> syntax -> resolve -> fold -> combine -> Definitions
  -> select (inherit, override) -> link -> Selection -> emit (order, privileges) -> Plan -> lower (LLB) -> Plan
"""

from __future__ import annotations

import os

from bakec.compiler.emit import context_path, emit, with_epoch
from bakec.compiler.inheritance import Inheritance
from bakec.compiler.lint.check import ALWAYS, check, few
from bakec.compiler.lint.project import Project
from bakec.compiler.options import environment_flag, environment_switch
from bakec.compiler.overrides import parse_overrides
from bakec.compiler.passes.combine import combine
from bakec.compiler.passes.fold import Overrides, fold
from bakec.compiler.passes.link import link
from bakec.compiler.passes.resolve import resolve
from bakec.compiler.passes.select import match_names, select
from bakec.compiler.platforms import host_platform
from bakec.compiler.rebase import rebase
from bakec.compiler.sources import is_text, read_bytes, read_sources
from bakec.compiler.view import group_view, target_view
from bakec.ir.codes import define as codes
from bakec.ir.diagnostics import Failed
from bakec.ir.module import Definitions, Selection
from bakec.ir.origin import OriginKind
from bakec.ir.platforms import short_name
from bakec.ir.records import dataclass
from bakec.ir.span import Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bakec.compiler.host import Host
    from bakec.compiler.options import CompileOptions
    from bakec.ir.diagnostics import Diagnostic, Diagnostics
    from bakec.ir.plan import Plan
    from bakec.ir.syntax import File


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """The definition files after the front ends: trees of HCL and JSON, and what Compose defines below them."""

    sources: tuple[Source, ...]
    files: tuple[File, ...]
    compose: Definitions


EMPTY = Definitions(targets=(), groups=())


def parse(options: CompileOptions, host: Host, sink: Diagnostics) -> Parsed:
    """Read and parse every definition file. Raises `Failed` where a file cannot be read."""
    sources = read_sources(options.files, host, options.remote)
    trees: list[File] = []
    projects: list[Source] = []
    for source in sources:
        tree = _tree(source, options, host, sink)
        if tree is None:
            projects.append(source)
        else:
            trees.append(tree)
    compose = _compose(projects, options, host, sink) if projects else EMPTY
    return Parsed(sources=tuple(sources), files=tuple(trees), compose=compose)


def _tree(source: Source, options: CompileOptions, host: Host, sink: Diagnostics) -> File | None:
    """The tree of one file by its name, else by trying; None for Compose."""
    name = source.name.lower()
    if name.endswith((".yml", ".yaml")):
        return None
    if source.name.endswith(".json"):
        return _json(source, sink)
    if source.name.endswith(".hcl"):
        return _hcl(source, sink)
    from bakec.compiler.sniff import sniff

    may_be_compose = not name.endswith((".json", ".hcl"))
    return sniff(source, _prober(options, host) if may_be_compose else None, (_hcl, _json), sink)


def _prober(options: CompileOptions, host: Host) -> Callable[[Source], Diagnostic | None]:
    from bakec.compiler.compose.load import probe

    def attempt(source: Source) -> Diagnostic | None:
        if not is_text(source):
            return codes.NOT_TEXT.at(None, path=source.name)
        try:
            env, _ = _compose_env(options, host)
        except Failed as error:
            # With a broken `.env` nothing is Compose, and the other formats do not read it.
            return error.diagnostics[0]
        return probe(source, env, _reader(host))

    return attempt


def _hcl(source: Source, sink: Diagnostics) -> File:
    from bakec.compiler.hcl.parse import parse_hcl

    return parse_hcl(source, sink)


def _json(source: Source, sink: Diagnostics) -> File:
    from bakec.compiler.json.parse import parse_json

    return parse_json(source, sink)


def _reader(host: Host) -> Callable[[str], bytes | None]:
    return lambda path: read_bytes(path, host)


def _compose(projects: Sequence[Source], options: CompileOptions, host: Host, sink: Diagnostics) -> Definitions:
    from bakec.compiler.compose.load import load_compose

    env, kinds = _compose_env(options, host)
    return load_compose(projects, env, _reader(host), sink, kinds=kinds)


def _compose_env(options: CompileOptions, host: Host) -> tuple[Mapping[str, str], Mapping[str, OriginKind]]:
    """What Compose interpolates: the environment, under it the `.env` file of the folder, over both `--var`; and
    which names are not from the environment."""
    from bakec.compiler.compose.dotenv import read_dotenv

    env = visible_env(host)
    data = read_bytes(".env", host) if os.path.isfile(host.path(".env")) else None  # noqa: PTH113
    dotenv = read_dotenv(Source(".env", data.decode("utf-8", "replace")), env) if data else {}
    kinds = dict.fromkeys(dotenv.keys() - env.keys(), OriginKind.DOTENV)
    kinds.update(dict.fromkeys(options.variables, OriginKind.FLAG))
    return {**dotenv, **env, **options.variables}, kinds


def visible_env(host: Host) -> Mapping[str, str]:
    """The environment as definitions see it: nothing where looking it up is switched off."""
    return {} if environment_switch(host.env, "BUILDX_BAKE_DISABLE_VARS_ENV_LOOKUP") else host.env


def define(parsed: Parsed, options: CompileOptions, host: Host, sink: Diagnostics) -> Definitions:
    """Evaluate what the files define, before any target is selected."""
    builtins = {"BAKE_CMD_CONTEXT": "cwd://", "BAKE_LOCAL_PLATFORM": short_name(host_platform()), **options.builtins}
    declarations = resolve(parsed.files, builtins, sink)
    sink.check()
    overrides = Overrides(flags=options.variables, env=visible_env(host))
    folded, renamed = fold(declarations, builtins, overrides, host, sink, traces=options.traces)
    sink.check()
    definitions = combine(parsed.compose, folded, renamed)
    if environment_flag(host.env, "BUILDX_BAKE_FILE_RELATIVE_PATHS"):
        definitions = rebase(definitions)
    return definitions


def choose(definitions: Definitions, options: CompileOptions, host: Host) -> Selection:
    """Resolve the targets that were asked for and all they link to. Raises `Failed`."""
    names = [target.name for target in definitions.targets]
    env = None if environment_switch(host.env, "BUILDX_BAKE_DISABLE_VARS_ENV_LOOKUP") else host.env
    requested = match_names(definitions, options.targets)
    overrides = parse_overrides(options.sets, names, env)
    inheritance = Inheritance({target.name: target for target in definitions.targets}, overrides)
    selection = link(select(definitions, requested, inheritance), inheritance)
    epoch = host.env.get("SOURCE_DATE_EPOCH", "")
    if not epoch:
        return selection
    changed = {target.name: target for target in with_epoch(selection.targets.values(), epoch)}
    return Selection(requested=selection.requested, targets=changed, groups=selection.groups)


def load(options: CompileOptions, host: Host, sink: Diagnostics) -> tuple[Parsed, Definitions, Selection]:
    """From files to the resolved selection: all that `print` needs. Raises `Failed`."""
    parsed = parse(options, host, sink)
    sink.check()
    definitions = define(parsed, options, host, sink)
    selection = choose(definitions, options, host)
    if options.remote and options.remote.tree:
        from bakec.compiler.remote import rebind

        selection = rebind(selection, options.remote.tree)
    if options.warnings:
        project = Project(files=parsed.files, definitions=definitions, selection=selection, host=host)
        sink.extend(few(check(project, ALWAYS)))
    return parsed, definitions, selection


def compile_plan(options: CompileOptions, host: Host, sink: Diagnostics, *, check: bool = False) -> Plan:
    """From files to the plan. With `check` what the build will read on this machine must be there. Raises `Failed`."""
    from bakec.compiler.passes.lower import lower_jobs

    return lower_jobs(compile_jobs(options, host, sink, check=check), options, host, sink)


def compile_jobs(options: CompileOptions, host: Host, sink: Diagnostics, *, check: bool = False) -> Plan:
    """The plan before anything in it is lowered or pinned. Raises `Failed`."""
    from bakec.compiler.passes.assemble import assemble

    parsed, definitions, selection = load(options, host, sink)
    if options.remote and options.remote.tree:
        from bakec.compiler.remote import rebind_named

        selection = rebind_named(selection, options.remote.tree)
    return assemble(parsed.sources, definitions, selection, host, host if check else None)


def printable(selection: Selection, host: Host) -> dict[str, object]:
    """What `print` shows. Converts every target to a job on the way, as the reference does, so that it fails where
    that fails. Raises `Failed`."""
    groups = {name: group_view(selection.groups[name]) for name in sorted(selection.groups)}
    targets: dict[str, object] = {}
    for name in sorted(selection.targets):
        target = selection.targets[name]
        emit(target, host.cwd, host)
        targets[name] = {**target_view(target), "context": context_path(target)}
    return {"group": groups, "target": targets}
