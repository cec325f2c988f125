"""Pages of one file each: the graph of a plan, and two plans side by side. They load nothing and send nothing."""

from __future__ import annotations

import html
import json
from importlib.resources import files

from bakec.compiler.render.diff import members, summary, symbol
from bakec.compiler.render.graph import places
from bakec.compiler.render.values import entry, shown
from bakec.ir.fields import FIELDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, Final

    from bakec.compiler.render.graph import Edge, Graph, Node
    from bakec.ir.changes import Change, PlanDiff, TargetDiff
    from bakec.ir.plan import Plan

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
_COLUMN: Final = 260
_ROW: Final = 44
_WIDTH: Final = 200
_HEIGHT: Final = 30
_LETTERS: Final = 24


def _page(title: str, body: str, script: str = "") -> str:
    code = f"<script>{_asset(script)}</script>\n" if script else ""
    return (
        "<!doctype html>\n"
        f'<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{html.escape(title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f"<style>{_asset('page.css')}</style>\n</head>\n<body>\n{body}\n{code}</body>\n</html>"
    )


def _asset(name: str) -> str:
    return files("bakec.compiler.render").joinpath(name).read_text("utf-8")


# --- the graph ------------------------------------------------------------------------------------------------


def render_graph(graph: Graph) -> str:
    """A page with the graph: drag to move, wheel to zoom, type to search."""
    spots = {name: (column * _COLUMN, row * _ROW) for name, (column, row) in places(graph).items()}
    width = max((x for x, _ in spots.values()), default=0) + _WIDTH
    height = max((y for _, y in spots.values()), default=0) + _HEIGHT
    edges = "\n".join(_edge(edge, spots) for edge in graph.edges)
    nodes = "\n".join(_node(node, *spots[node.id]) for node in graph.nodes)
    body = (
        '<header><input id="search" type="search" placeholder="search" aria-label="search" autofocus>'
        f'<output id="found">{len(graph.nodes)} nodes, {len(graph.edges)} edges</output>'
        '<button id="fit" type="button">fit</button></header>\n'
        f'<svg id="view" data-width="{width}" data-height="{height}" role="img" aria-label="graph of the plan">'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8z"/></marker></defs>'
        f'<g id="all">\n<g id="edges">{edges}</g>\n<g id="nodes">{nodes}</g>\n</g></svg>'
    )
    return _page("plan graph", body, "graph.js")


def _node(node: Node, x: int, y: int) -> str:
    words = (node.name, *node.notes)
    searched, tip = html.escape(" ".join(words).lower()), html.escape("\n".join(words))
    return (
        f'<g class="node {node.kind}" data-id="{html.escape(node.id)}" data-text="{searched}" '
        f'transform="translate({x} {y})"><title>{tip}</title>'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" rx="{15 if node.kind == "group" else 4}"/>'
        f'<text x="10" y="20">{html.escape(_short(node.name))}</text></g>'
    )


def _edge(edge: Edge, spots: dict[str, tuple[int, int]]) -> str:
    (x1, y1), (x2, y2) = spots[edge.start], spots[edge.end]
    x1, y1, y2 = x1 + _WIDTH, y1 + _HEIGHT // 2, y2 + _HEIGHT // 2
    bend = max(30, (x2 - x1) // 2)
    title = f"<title>{html.escape(shown(edge.label))}</title>" if edge.label else ""
    ends = f'data-start="{html.escape(edge.start)}" data-end="{html.escape(edge.end)}"'
    curve = f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
    return f'<path class="edge {edge.kind}" {ends} d="{curve}" marker-end="url(#tip)">{title}</path>'


def _short(name: str) -> str:
    return name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…"


# --- two plans ------------------------------------------------------------------------------------------------


def render_diff(diff: PlanDiff, old: Plan, new: Plan) -> str:
    """A page with old and new side by side; values that are equal are there, folded away."""
    before: dict[str, Mapping[str, Any]] = {target.name: target.view for target in old.targets}
    after: dict[str, Mapping[str, Any]] = {target.name: target.view for target in new.targets}
    parts = [f"<h1>{html.escape(summary(diff))}</h1>", *_variable_table(diff)]
    for target in diff.targets:
        parts += _target(target, before.get(target.was or target.name, {}), after.get(target.name, {}))
    parts += [f"<p>{symbol(one)} group {_code(one.path)}: {_code(members(one))}</p>" for one in diff.groups]
    return _page("plan diff", f"<main>{''.join(parts)}</main>")


def _variable_table(diff: PlanDiff) -> Iterator[str]:
    if diff.variables:
        rows = "".join(_row(one.name, one.old, one.new, one.where) for one in diff.variables)
        yield f"<h2>variables</h2>{_TABLE_HEAD}{rows}</table>"


_TABLE_HEAD: Final = "<table><tr><th>what</th><th>old</th><th>new</th><th>why</th></tr>"


def _target(target: TargetDiff, before: Any, after: Any) -> Iterator[str]:
    was = f" <small>was {_code(target.was)}</small>" if target.was else ""
    effects = "".join(f" <mark>{html.escape(effect.value)}</mark>" for effect in target.effects)
    kind = target.action.name.lower()
    yield f'<h2 class="{kind}">{target.action.value} {_code(target.name)}{was}{effects}</h2>'
    yield _TABLE_HEAD
    yield from (_change_row(change) for change in target.changes)
    yield "</table>"
    same = [name for name in FIELDS if name in after and after[name] == before.get(name)]
    if same:
        rows = "".join(_row(name, before[name], after[name], "") for name in same)
        yield f"<details><summary>{len(same)} attributes the same</summary>{_TABLE_HEAD}{rows}</table></details>"


def _change_row(change: Change) -> str:
    return _row(change.path, change.old, change.new, "; ".join(change.reasons))


def _row(name: str, old: Any, new: Any, why: str) -> str:
    kind = "added" if old is None else "removed" if new is None else "same" if old == new else "changed"
    cells = "".join(f"<td>{'' if value is None else _code(entry(value))}</td>" for value in (old, new))
    return f'<tr class="{kind}"><th>{html.escape(shown(name))}</th>{cells}<td>{html.escape(why)}</td></tr>'


def _code(text: str) -> str:
    return f"<code>{html.escape(text if isinstance(text, str) else json.dumps(text))}</code>"
