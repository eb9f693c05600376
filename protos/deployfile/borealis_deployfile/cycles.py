"""Loops in a graph of names that wait for each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_Graph = dict[str, list[str]]


def find_cycles(depends_on: Mapping[str, tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """One loop for each knot of names that wait for each other: `(a, b, c)` if a waits for b, b for c and c for a.

    Shape: no name is in two loops; loops, and the names they start with, are in the order of the graph. Unknown names
    are ignored.
    """
    graph = {name: [other for other in others if other in depends_on] for name, others in depends_on.items()}
    rank = {name: index for index, name in enumerate(graph)}
    knots = (_loop_in(graph, knot, rank) for knot in _knots(graph))
    return tuple(sorted((loop for loop in knots if loop), key=lambda loop: rank[loop[0]]))


def _loop_in(graph: _Graph, knot: set[str], rank: Mapping[str, int]) -> tuple[str, ...]:
    """A loop among names that can all reach each other; empty for a single name that does not wait for itself."""
    trail: dict[str, None] = {}
    name = min(knot, key=lambda member: rank[member])
    while name not in trail:
        trail[name] = None
        after = [other for other in graph[name] if other in knot]
        if not after:
            return ()
        name = after[0]
    names = list(trail)
    loop = names[names.index(name) :]
    first = min(range(len(loop)), key=lambda index: rank[loop[index]])
    return tuple(loop[first:] + loop[:first])


def _knots(graph: _Graph) -> Iterator[set[str]]:
    """The strongly connected parts of the graph (Kosaraju: last finished first, against the arrows)."""
    backwards: _Graph = {name: [] for name in graph}
    for name, others in graph.items():
        for other in others:
            backwards[other].append(name)
    taken: set[str] = set()
    for name in reversed(_finish_order(graph, list(graph), set())):
        if name not in taken:
            yield set(_finish_order(backwards, [name], taken))


def _finish_order(graph: _Graph, starts: list[str], seen: set[str]) -> list[str]:
    """Names reachable from `starts` past those already `seen`, each after all that it leads to; no recursion."""
    order = []
    for start in starts:
        if start in seen:
            continue
        seen.add(start)
        stack = [(start, iter(graph[start]))]
        while stack:
            name, others = stack[-1]
            after = next((other for other in others if other not in seen), None)
            if after is None:
                order.append(name)
                stack.pop()
            else:
                seen.add(after)
                stack.append((after, iter(graph[after])))
    return order
