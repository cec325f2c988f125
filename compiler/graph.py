"""Graphs of targets. The only module that imports networkx, which costs more than a small compilation: call it only
when there are edges."""

from __future__ import annotations

import networkx as nx

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def order(nodes: Iterable[str], needs: Mapping[str, Iterable[str]]) -> list[str]:
    """The nodes so that each comes after all it needs; by name where the edges leave a choice.

    The edges must not form a circle.
    """
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(nodes)
    graph.add_edges_from((parent, user) for user, parents in needs.items() for parent in parents)
    return list(nx.lexicographical_topological_sort(graph))
