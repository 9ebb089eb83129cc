"""A saga: the directed acyclic graph that an executor runs, with names by which people can point at its nodes.

A node's identity is its index; the order of the edges is part of the saga, because an executor visits neighbours in it.
Start reading at `Saga.build`: it is the only way to make a saga that is known to be one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from sagacheck import InputError
from sagaspec._node import NodeKind, SagaNode
from sagaspec._saga_rules import check_brackets, check_edges, check_ends, check_nodes, topological_order
from sagaspec._text import close_matches, plain, quoted

__all__ = ["NodeKind", "Saga", "SagaNode"]

_BY_INDEX = re.compile(r"#([0-9]{1,9})")
_CANDIDATES_SHOWN = 20


@dataclass(frozen=True)
class Saga:
    """A saga that follows the rules of sagas; make one with `Saga.build`, since the constructor checks nothing."""

    # What the saga is called.
    name: str
    # The nodes; a node is identified by its index here.
    nodes: tuple[SagaNode, ...]
    # The edges in the order in which they were added: `(from, to)`, where `to` depends on `from`.
    edges: tuple[tuple[int, int], ...]
    # The index of the one node without parents.
    start: int
    # The index of the one node without children.
    end: int

    @classmethod
    def build(
        cls, name: str, nodes: Iterable[SagaNode], edges: Iterable[tuple[int, int]], place: str | None = None
    ) -> Saga:
        """Make a saga of nodes and edges, or say in one sentence why they are none.

        Args:
            name: what to call the saga.
            nodes: its nodes; their paths are worked out here, whatever they were.
            edges: its edges in the order in which they count as added.
            place: where it comes from (a file, an option), which every refusal begins with; the name if left out.

        Returns:
            The saga, with the start and the end found and every path filled in.

        Raises:
            InputError: a name is empty or unprintable; there is not one start and one end; an edge dangles, loops or is
                there twice; there is a cycle; the end does not have exactly one parent; a node cannot be reached or
                leads nowhere; subsaga brackets do not balance; two nodes of one saga or subsaga share a name.

        Source: the checks of `DagBuilder` in steno 0.4.1 and the form that it gives to a `SagaDag`.
        """
        place = f"saga {quoted(name)}" if place is None else place
        if not (name and name.isprintable()):
            raise InputError(
                f"{place}: the saga is called {quoted(name)}; give it a name of one or more printable characters"
            )
        made, ordered = tuple(nodes), tuple(edges)
        start, end = check_nodes(made, place)
        check_edges(made, ordered, place)
        parents, children = _neighbours(len(made), ordered)
        order = topological_order(made, parents, children, place)
        check_ends(made, parents, children, place)
        paths = check_brackets(made, parents, order, place)
        made = tuple(replace(node, path=path) for node, path in zip(made, paths, strict=True))
        return cls(name, made, ordered, start, end)

    @cached_property
    def _adjacency(self) -> tuple[tuple[tuple[int, ...], ...], tuple[tuple[int, ...], ...]]:
        return _neighbours(len(self.nodes), self.edges)

    def parents(self, n: int) -> tuple[int, ...]:
        """Name the nodes that node `n` depends on, NEWEST EDGE FIRST.

        That is the order in which petgraph, the graph library of steno, goes through neighbours: the reverse of the
        order in which the edges were added. An executor that unwinds parent by parent is sensitive to it.
        """
        return self._adjacency[0][n]

    def children(self, n: int) -> tuple[int, ...]:
        """Name the nodes that depend on node `n`, NEWEST EDGE FIRST (see `parents`)."""
        return self._adjacency[1][n]

    @cached_property
    def topological(self) -> tuple[int, ...]:
        """All nodes, parents before children, the start first; among those that could come next, the lowest index."""
        return tuple(topological_order(self.nodes, *self._adjacency, place=self.name))

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """What to call each node in front of people: `label` of every index."""
        count = Counter(node.path for node in self.nodes)
        return tuple(
            node.path
            if node.kind in (NodeKind.START, NodeKind.END) or (count[node.path] == 1 and "#" not in node.path)
            else f"{node.path}#{index}"
            for index, node in enumerate(self.nodes)
        )

    def label(self, n: int) -> str:
        """Give node `n` a name that is unique in the saga and that `select` understands.

        It is `start`, `end`, or the node's path; where another node has that path too (or where it holds a `#`, and so
        could be taken for a label of this second kind), it is the path and the index, as in `start#4`.
        """
        return self.labels[n]

    def select(self, text: str) -> int:
        """Find the node that a user means.

        Args:
            text: a label, an index as in `#7`, a path as in `delete_volume/no_result_1`, or the plain name of a node
                where only one has it. The first of these readings that fits any node counts, so that a path of the
                outermost saga wins over an equal name inside a subsaga.

        Returns:
            The index of the node.

        Raises:
            InputError: no node fits (the sentence names those that look alike), or several do (it lists them).
        """
        text = text.strip()
        if text in self.labels:
            return self.labels.index(text)
        by_index = _BY_INDEX.fullmatch(text)
        if by_index:
            return self._checked(int(by_index[1]))
        for found in (
            [index for index, node in enumerate(self.nodes) if node.path == text],
            [index for index, node in enumerate(self.nodes) if text and node.name == text],
        ):
            if found:
                return self._the_one(text, found)
        alike = close_matches(text, [*self.labels, *(node.name for node in self.nodes if node.name)])
        meant = f"; did you mean {alike}" if alike else f"; name a node by its path, its name or #0 to {self._last}"
        raise InputError(f"saga {plain(self.name)} has no node {quoted(text)}{meant}")

    @property
    def _last(self) -> str:
        return f"#{len(self.nodes) - 1}"

    def _checked(self, index: int) -> int:
        if index >= len(self.nodes):
            raise InputError(f"saga {plain(self.name)} has no node #{index}; its nodes are #0 to {self._last}")
        return index

    def _the_one(self, text: str, found: list[int]) -> int:
        if len(found) > 1:
            listed = [f"{self.nodes[index].path} (#{index})" for index in found[:_CANDIDATES_SHOWN]]
            more = f" and {len(found) - _CANDIDATES_SHOWN} more" if len(found) > _CANDIDATES_SHOWN else ""
            raise InputError(
                f"{quoted(text)} could be any of {len(found)} nodes of saga {plain(self.name)}, "
                f"{', '.join(listed)}{more}; choose one by its path or its #index"
            )
        return found[0]


def _neighbours(
    count: int, edges: tuple[tuple[int, int], ...]
) -> tuple[tuple[tuple[int, ...], ...], tuple[tuple[int, ...], ...]]:
    """List the parents and the children of each node, newest edge first."""
    parents: list[list[int]] = [[] for _ in range(count)]
    children: list[list[int]] = [[] for _ in range(count)]
    for parent, child in reversed(edges):
        parents[child].append(parent)
        children[parent].append(child)
    return tuple(map(tuple, parents)), tuple(map(tuple, children))
