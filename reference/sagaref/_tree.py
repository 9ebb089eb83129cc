"""A saga as a tree of lines: what runs side by side is bracketed, subsagas are indented, states stand in a column.

├─ start                            undone
├─ trip: choose a trip              undoing
├─ in parallel
│  ├─ flight: book a flight         undone
│  └─ hotel: book a hotel           failed  ActionFailed: no rooms
└─ end                              undone (never ran)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from sagaref._dag import Dag, Kind

__all__ = ["Row", "tree"]


@dataclass(frozen=True)
class Row:
    """What is said of a node: its text, its state, and what else there is to say."""

    text: str
    state: str
    note: str = ""


def tree(dag: Dag, rows: Mapping[int, Row]) -> list[str]:
    """A line for each node, parents above children, and one for each group of nodes that run side by side.

    A group is what is equally far from the beginning of its saga or subsaga, where a subsaga counts as one step. In a
    DAG that was built group after group these are its groups; in any other, none of a group depends on another.
    """
    lines = _Tree(dag, rows).lines()
    width = max(len(text) for text, row in lines if row is not None)
    longest = max(len(row.state) for row in rows.values())
    return [
        text if row is None else f"{text:<{width}}  {row.state:<{longest}}  {row.note}".rstrip() for text, row in lines
    ]


_Line: TypeAlias = tuple[str, Row | None]
# Lines, and in the place of those of a subsaga where they come from: however deep they are, nothing recurses.
_Lines: TypeAlias = Iterator["_Line | _Lines"]


class _Tree:
    def __init__(self, dag: Dag, rows: Mapping[int, Row]) -> None:
        self._dag = dag
        self._rows = rows
        # The start of a subsaga -> its end.
        self._ends = {
            dag.scopes[dag.parents[n][0]]: n for n, node in enumerate(dag.nodes) if node.kind is Kind.SUBSAGA_END
        }
        # The start of a saga or subsaga -> its groups, each with what comes after the group before it.
        self._groups: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
        distance = [0] * len(dag.nodes)
        for n in dag.topological:
            if dag.nodes[n].kind is Kind.SUBSAGA_END:
                distance[n] = distance[dag.scopes[dag.parents[n][0]]]
                continue
            distance[n] = max((1 + distance[p] for p in dag.parents[n]), default=0)
            self._groups[dag.scopes[n]][distance[n]].append(n)

    def lines(self) -> list[_Line]:
        """All lines of the saga."""
        found: list[_Line] = []
        within = [self._scope(self._dag.start, "")]
        while within:
            item = next(within[-1], None)
            if item is None:
                within.pop()
            elif isinstance(item, tuple):
                found.append(item)
            else:
                within.append(item)
        return found

    def _scope(self, start: int, indent: str) -> _Lines:
        """Everything in a saga or subsaga; the last line is its end."""
        groups = list(self._groups[start].values())
        for group in groups:
            last = group is groups[-1] and start not in self._ends
            if len(group) == 1:
                yield from self._node(group[0], indent, last)
            else:
                yield f"{indent}{_branch(last)}in parallel", None
                below = indent + _below(last)
                for n in group:
                    yield from self._node(n, below, n == group[-1])
        if start in self._ends:
            yield from self._node(self._ends[start], indent, last=True)

    def _node(self, n: int, indent: str, last: bool) -> _Lines:
        yield f"{indent}{_branch(last)}{self._rows[n].text}", self._rows[n]
        if n in self._ends:
            yield self._scope(n, indent + _below(last))


def _branch(last: bool) -> str:
    return "└─ " if last else "├─ "


def _below(last: bool) -> str:
    return "   " if last else "│  "
