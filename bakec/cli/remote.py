"""Definitions at a URL: `bakec bake https://…/project.git app`."""

from __future__ import annotations

import os

from bakec.compiler.refs import is_remote
from bakec.compiler.remote import Remote, definition_state
from bakec.compiler.sources import DEFAULT_NAMES
from bakec.ir.codes import define as codes
from bakec.ir.diagnostics import fail
from bakec.ir.records import replace
from bakec.runtime.fetch import Wanted, fetch_definitions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bakec.compiler.options import CompileOptions


def from_elsewhere(options: CompileOptions, builder: str) -> CompileOptions:
    """The options with the definitions that the first of their targets, a URL, leads to. A second URL is what
    `BAKE_CMD_CONTEXT` stands for. Raises `Failed`."""
    url, *targets = options.targets
    builtins = dict(options.builtins)
    if targets and is_remote(targets[0]):
        builtins["BAKE_CMD_CONTEXT"] = targets.pop(0)
    state, single = definition_state(url)
    names = tuple(name for name in options.files if not name.startswith("cwd://"))
    wanted = Wanted(url=url, state=state, single=single, names=names, defaults=DEFAULT_NAMES)
    fetched = fetch_definitions(wanted, builder, os.environ)
    if not fetched.files:
        raise fail(codes.NO_DEFINITION.at(None))
    return replace(
        options,
        targets=tuple(targets) or ("default",),
        builtins=builtins,
        remote=Remote(tuple(fetched.files), url if fetched.is_tree else ""),
    )
