"""Finds the strongly connected components of a graph, by Tarjan's algorithm."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def components(successors: Sequence[Iterable[int]]) -> list[int]:
    """Node -> the number of its component.

    The numbers are in topological order from the end: no node leads to a
    component of a higher number than its own.

    :param successors: node -> the nodes that it leads to.
    """
    unvisited, done = -1, len(successors)
    order = [unvisited] * len(successors)  # when the search came to a node; done: its component is known
    lowest = list(order)
    component = list(order)
    stack: list[int] = []
    visited = found = 0
    for root in range(len(successors)):
        if order[root] != unvisited:
            continue
        path = [(root, iter(successors[root]))]
        order[root] = lowest[root] = visited
        visited += 1
        stack.append(root)
        while path:
            node, waiting = path[-1]
            for successor in waiting:
                if order[successor] == unvisited:
                    order[successor] = lowest[successor] = visited
                    visited += 1
                    stack.append(successor)
                    path.append((successor, iter(successors[successor])))
                    break
                if order[successor] != done:
                    lowest[node] = min(lowest[node], order[successor])
            else:
                path.pop()
                if path:
                    lowest[path[-1][0]] = min(lowest[path[-1][0]], lowest[node])
                if lowest[node] == order[node]:
                    while component[node] == -1:
                        member = stack.pop()
                        order[member], component[member] = done, found
                    found += 1
    return component
