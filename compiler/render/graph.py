"""The graph of a plan: groups, targets, and what leads from one to the other."""

from __future__ import annotations

import json

from bakec.compiler.render.values import shown
from bakec.ir.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Final

    from bakec.ir.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """`kind` is `group`, `target`, `linked` (a target that only others use) or `base` (that others inherit)."""

    id: str
    name: str
    kind: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """From the user to what it uses, by the ids of nodes. `kind` is `member`, `context` or `inherits`; `label` the
    name of the context."""

    start: str
    end: str
    kind: str
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Nodes and edges in a fixed order; every edge has its nodes."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    requested: tuple[str, ...] = ()


def graph_of(plan: Plan, *, inherits: bool = False) -> Graph:
    """The graph of `plan`; with `inherits` also who inherits from whom."""
    nodes = {node.id: node for node in _nodes(plan, inherits=inherits)}
    edges = dict.fromkeys(_edges(plan, nodes, inherits=inherits))
    first = {name: f"g:{name}" if f"g:{name}" in nodes else f"t:{name}" for name in plan.requested}
    used = {edge.end for edge in edges} | set(first.values()) | {edge.start for edge in edges}
    kept = tuple(node for node in nodes.values() if node.kind != "group" or node.id in used)
    return Graph(nodes=kept, edges=tuple(edges), requested=tuple(one for one in first.values() if one in nodes))


def _nodes(plan: Plan, *, inherits: bool) -> Iterator[Node]:
    # The group `default` is always recorded; unless something leads to it, it only repeats what was asked for.
    used = {*plan.requested, *(name for group in plan.groups for name in group.targets if name != group.name)}
    for group in plan.groups:
        if group.name != "default" or "default" in used:
            yield Node(id=f"g:{group.name}", name=group.name, kind="group")
    jobs = {job.target: job for job in plan.jobs}
    for target in plan.targets:
        job = jobs.get(target.name)
        notes = (*job.tags, *job.platforms) if job else ()
        yield Node(id=f"t:{target.name}", name=target.name, kind="linked" if target.linked else "target", notes=notes)
    if inherits:
        known = {target.name for target in plan.targets}
        bases = {parent: None for parents in plan.inherits.values() for parent in parents if parent not in known}
        yield from (Node(id=f"t:{name}", name=name, kind="base") for name in sorted(bases))


def _edges(plan: Plan, nodes: dict[str, Node], *, inherits: bool) -> Iterator[Edge]:
    for group in plan.groups:
        repeated = plan.requested if group.name == "default" else ()
        for name in group.targets:
            if name in repeated:
                continue
            end = f"g:{name}" if f"g:{name}" in nodes and name != group.name else f"t:{name}"
            if f"g:{group.name}" in nodes and end in nodes:
                yield Edge(start=f"g:{group.name}", end=end, kind="member")
    made = {job.id: job.target for job in plan.jobs}
    for job in plan.jobs:
        for need in job.needs:
            yield Edge(start=f"t:{job.target}", end=f"t:{made[need.job]}", kind="context", label=need.context)
    if inherits:
        for name, parents in plan.inherits.items():
            for parent in parents:
                if f"t:{name}" in nodes and f"t:{parent}" in nodes:
                    yield Edge(start=f"t:{name}", end=f"t:{parent}", kind="inherits")


# --- formats --------------------------------------------------------------------------------------------------


def render_tree(graph: Graph) -> Iterator[str]:
    """What was asked for and, below each, what it uses; a branch that was shown before is not shown again."""
    names = {node.id: node for node in graph.nodes}
    below: dict[str, list[Edge]] = {}
    for edge in graph.edges:
        below.setdefault(edge.start, []).append(edge)
    seen: set[str] = set()
    stack = [(one, "", "", "") for one in reversed(_starts(graph))]
    while stack:
        current, lead, branch, label = stack.pop()
        node = names[current]
        children = below.get(current, [])
        again = bool(children) and current in seen
        seen.add(current)
        yield f"{lead}{branch}{_title(node)}{label}{'  (above)' if again else ''}"
        if not again:
            deeper = lead + {"": "", "├─ ": "│  ", "└─ ": "   "}[branch]
            for edge in reversed(children):
                last = "└─ " if edge is children[-1] else "├─ "
                stack.append((edge.end, deeper, last, _LABELS[edge.kind].format(shown(edge.label))))


_LABELS: Final = {"member": "", "context": "  as {}", "inherits": "  (inherited)"}


def _starts(graph: Graph) -> Sequence[str]:
    """What was asked for, then what nothing leads to."""
    reached = {edge.end for edge in graph.edges}
    return list(dict.fromkeys((*graph.requested, *(node.id for node in graph.nodes if node.id not in reached))))


def _title(node: Node) -> str:
    return f"group {shown(node.name)}" if node.kind == "group" else shown(node.name)


def render_mermaid(graph: Graph) -> Iterator[str]:
    """A Mermaid flowchart; ids are numbers, because names may be words of that language."""
    ids = {node.id: f"n{at}" for at, node in enumerate(graph.nodes)}
    shapes = {"group": ('(["', '"])'), "base": ('>"', '"]')}
    arrows = {"member": "-->", "context": "==>", "inherits": "-.->"}
    yield "flowchart LR"
    for node in graph.nodes:
        opening, closing = shapes.get(node.kind, ('["', '"]'))
        yield f"    {ids[node.id]}{opening}{_mermaid(node.name)}{closing}"
    for edge in graph.edges:
        label = f'|"{_mermaid(edge.label)}"|' if edge.label else ""
        yield f"    {ids[edge.start]} {arrows[edge.kind]}{label} {ids[edge.end]}"


def _mermaid(text: str) -> str:
    return "".join(char if char.isalnum() or char in "-_./: " else f"#{ord(char)};" for char in text)


def render_dot(graph: Graph) -> Iterator[str]:
    """A Graphviz digraph."""
    shapes = {"group": "ellipse", "base": "note"}
    styles = {"member": "solid", "context": "bold", "inherits": "dashed"}
    yield "digraph plan {"
    yield "    rankdir=LR;"
    for node in graph.nodes:
        yield f"    {_dot(node.id)} [label={_dot(node.name)}, shape={shapes.get(node.kind, 'box')}];"
    for edge in graph.edges:
        label = f", label={_dot(edge.label)}" if edge.label else ""
        yield f"    {_dot(edge.start)} -> {_dot(edge.end)} [style={styles[edge.kind]}{label}];"
    yield "}"


def _dot(text: str) -> str:
    flat = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{flat}"'


def render_json(graph: Graph) -> Iterator[str]:
    """Nodes and edges as they are in memory."""
    from dataclasses import asdict

    yield json.dumps(asdict(graph), indent=2)


# --- places on a page -----------------------------------------------------------------------------------------

ROWS: Final = 40
"""A layer that is taller goes on in another column."""


def places(graph: Graph) -> dict[str, tuple[int, int]]:
    """Column and row of every node: a node stands right of all that use it, and near them."""
    level = _levels(graph)
    above: dict[str, list[str]] = {}
    for edge in graph.edges:
        above.setdefault(edge.end, []).append(edge.start)
    layers: dict[int, list[str]] = {}
    for node in graph.nodes:
        layers.setdefault(level[node.id], []).append(node.id)
    found: dict[str, tuple[int, int]] = {}
    column = 0
    for number in sorted(layers):
        layer = sorted(layers[number], key=lambda one: _center(found, above.get(one, ())))
        for at, node_id in enumerate(layer):
            found[node_id] = (column + at // ROWS, at % ROWS)
        column += 1 + (len(layer) - 1) // ROWS
    return found


def _center(found: dict[str, tuple[int, int]], users: Iterable[str]) -> float:
    rows = [found[user][0] * ROWS + found[user][1] for user in users if user in found]
    return sum(rows) / len(rows) if rows else 0.0


def _levels(graph: Graph) -> dict[str, int]:
    """The length of the longest way to each node. Nodes of a circle (groups may form one) stay where they are met."""
    users = {node.id: 0 for node in graph.nodes}
    below: dict[str, list[str]] = {}
    for edge in graph.edges:
        users[edge.end] += 1
        below.setdefault(edge.start, []).append(edge.end)
    level = dict.fromkeys(users, 0)
    ready = [one for one, count in users.items() if not count]
    for current in ready:
        for end in below.get(current, ()):
            level[end] = max(level[end], level[current] + 1)
            users[end] -= 1
            if not users[end]:
                ready.append(end)
    return level
