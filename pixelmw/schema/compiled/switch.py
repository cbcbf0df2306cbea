"""Finds, among many schemas, those that can hold for a value, by the text that the value has at one place.

One rule for each event is the most natural schema there is. Of two hundred of
them, one look-up leaves the one whose ``const`` or ``enum`` fits the event.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from ...text import says_nothing
from .node import Memory, Node


def _fixed_texts(node: Node) -> dict[tuple[str, ...], frozenset[str]]:
    """The places where *node* allows only certain texts, and these texts. A place that is absent is not judged."""
    found: dict[tuple[str, ...], frozenset[str]] = {}
    for fixed in node.fixed_values:
        values = fixed.rule.value if fixed.rule.keyword == "enum" else [fixed.rule.value]
        if all(type(value) is str for value in values):
            found[fixed.path] = found.get(fixed.path, frozenset(values)) & frozenset(values)
    return found


class Switch:
    """Finds the schemas among *nodes* that can hold for a value.

    :param nodes: the schemas, in the order in which they are to be asked.
    """

    def __init__(self, nodes: Sequence[Node]) -> None:
        fixed = [_fixed_texts(node) for node in nodes]
        places = Counter(path for each in fixed for path in each)
        # Of places that as many schemas fix, the shallowest, then the first by name: the same on every Python.
        self.path = min(places, key=lambda path: (-places[path], len(path), path))
        self._all = range(len(nodes))
        texts = {text for each in fixed for text in each.get(self.path, ())}
        self._indexes_of = {
            text: [index for index, each in enumerate(fixed) if self.path not in each or text in each[self.path]]
            for text in texts
        }
        self._other_indexes = [index for index, each in enumerate(fixed) if self.path not in each]
        self._absent_indexes = [
            index for index, node in enumerate(nodes) if not self.path or self.path[0] not in node.required_names
        ]

    @classmethod
    def of(cls, nodes: Sequence[Node]) -> Switch | None:
        """A switch for *nodes*; ``None`` if at least two of them would not be told apart by one."""
        # Three schemas are asked as quickly as a switch is.
        return cls(nodes) if len(nodes) > 3 and sum(bool(_fixed_texts(node)) for node in nodes) > 3 else None

    def indexes(self, value: Any) -> Sequence[int]:
        """The indexes of the schemas that can hold for *value* as it is, or once they have coerced it."""
        whole = value
        for name in self.path:
            if type(value) is not dict or name not in value:
                return self._absent_indexes if value is whole and type(value) is dict else self._all
            value = value[name]
        if type(value) is not str:
            return self._all
        found = self._indexes_of.get(value)
        if found is None:  # coercion may remove a text that says nothing, and then its place is absent
            return self._all if says_nothing(value) else self._other_indexes
        return found

    def any_holds(self, checks: Sequence[Any], value: Any, memory: Memory) -> bool:
        """Returns True if one of *checks*, which are those of the schemas, does."""
        return any(checks[index](value, memory) for index in self.indexes(value))
