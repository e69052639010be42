"""What makes a fallback wrong: loops, and vision falling back to a model that is blind.

Loops are looked for among ordinary fallbacks. A last resort ends a line, so it closes none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

Edges = Mapping[int, Sequence[int]]


def find_loop(edges: Edges) -> list[int]:
    """Model ids of one loop, in order and closed (first = last), or [] when there is none."""
    finished: set[int] = set()
    for start in edges:
        loop = _walk(start, edges, finished)
        if loop:
            return loop
    return []


def _walk(start: int, edges: Edges, finished: set[int]) -> list[int]:
    # Depth first without recursion, so that a long chain is no stack problem.
    path: list[int] = [start]
    pending = [iter(edges.get(start, ()))]
    while pending:
        following = next(pending[-1], None)
        if following is None:
            pending.pop()
            finished.add(path.pop())
        elif following in path:
            return [*path[path.index(following) :], following]
        elif following not in finished:
            path.append(following)
            pending.append(iter(edges.get(following, ())))
    return []


def edges_of(pairs: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    """(model id, fallback id) pairs as an adjacency list."""
    edges: dict[int, list[int]] = {}
    for model_id, fallback_id in pairs:
        edges.setdefault(model_id, []).append(fallback_id)
    return edges
