"""A saga's DAG: nodes, edges, who depends on whom, and which output a name stands for.

A node's identity is its index; names are unique within a saga or a subsaga only. The order of the edges is part of the
DAG: neighbours come newest edge first, as in petgraph, the graph library of steno. A `Dag` is a value that the builder
and the reader of steno's JSON make; they check it (`_builder`, `_steno_json`).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sagaref._errors import BuildError

__all__ = ["Dag", "Kind", "Node"]


class Kind(enum.Enum):
    """What a node is; only actions can fail and have an effect, the others run trivially."""

    START = "start"
    END = "end"
    ACTION = "action"
    CONSTANT = "constant"
    SUBSAGA_START = "subsaga start"
    SUBSAGA_END = "subsaga end"


@dataclass(frozen=True)
class Node:
    """A node of a DAG; which fields mean something depends on its kind."""

    kind: Kind
    # The name of its output: actions, constants, subsaga ends (whose output is that of the subsaga).
    name: str = ""
    # What people are shown: actions.
    label: str = ""
    # The name under which the action is registered: actions.
    action: str = ""
    # A JSON value: of a constant; of the start, the parameters of the saga.
    value: Any = None
    # The name of the inlined saga: subsaga starts.
    saga_name: str = ""
    # The name of the node whose output is the parameters of the subsaga: subsaga starts.
    params_from: str = ""


@dataclass(frozen=True)
class Dag:
    """The DAG of a saga.

    Attributes:
        name: of the saga.
        nodes: a node is identified by its index here.
        edges: (from, to), where `to` depends on `from`, in the order in which they were added.
        start, end: the node without parents, and the one without children, which has one parent.
    """

    name: str
    nodes: tuple[Node, ...]
    edges: tuple[tuple[int, int], ...]
    start: int
    end: int

    @cached_property
    def parents(self) -> tuple[tuple[int, ...], ...]:
        """For each node those that it depends on, newest edge first."""
        return self._neighbours(lambda e: (e[1], e[0]))

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """For each node those that depend on it, newest edge first."""
        return self._neighbours(lambda e: e)

    def _neighbours(self, ends: Any) -> tuple[tuple[int, ...], ...]:
        found: list[list[int]] = [[] for _ in self.nodes]
        for edge in reversed(self.edges):
            here, there = ends(edge)
            found[here].append(there)
        return tuple(map(tuple, found))

    @cached_property
    def topological(self) -> tuple[int, ...]:
        """All nodes, parents before children; among those that could come next, the lowest index.

        Raises:
            BuildError: there is a cycle.
        """
        import heapq

        waiting = [len(p) for p in self.parents]
        ready = [n for n, count in enumerate(waiting) if not count]
        order: list[int] = []
        while ready:
            n = heapq.heappop(ready)
            order.append(n)
            for c in self.children[n]:
                waiting[c] -= 1
                if not waiting[c]:
                    heapq.heappush(ready, c)
        if len(order) != len(self.nodes):
            raise BuildError(f"saga {self.name}: its edges form a cycle; a saga must be a DAG")
        return tuple(order)

    @cached_property
    def scopes(self) -> tuple[int, ...]:
        """For each node the node that brackets it: the start of the saga, or that of the subsaga that it is in.

        The brackets themselves stand in the saga around them: their outputs and lookups are its.
        """
        scope = [self.start] * len(self.nodes)
        for n in self.topological:
            if n == self.start:
                continue
            p = self.parents[n][0]  # all parents lead to one scope
            inner = p if self.nodes[p].kind is Kind.SUBSAGA_START else scope[p]
            if self.nodes[n].kind is Kind.SUBSAGA_END:
                inner = scope[inner]
            scope[n] = inner
        return tuple(scope)

    @cached_property
    def _ancestors(self) -> tuple[int, ...]:
        """For each node its ancestors, as a bit set."""
        above = [0] * len(self.nodes)
        for n in self.topological:
            for p in self.parents[n]:
                above[n] |= above[p] | (1 << p)
        return tuple(above)

    @cached_property
    def _named(self) -> dict[tuple[int, str], int]:
        """(scope, name) -> the node whose output has that name there."""
        return {(self.scopes[n], node.name): n for n, node in enumerate(self.nodes) if node.name}

    def is_ancestor(self, m: int, n: int) -> bool:
        """Whether n depends on m, directly or not."""
        return bool(self._ancestors[n] >> m & 1)

    def find(self, n: int, name: str) -> int:
        """The node whose output node n means by a name: an ancestor in the same saga or subsaga.

        Raises:
            BuildError: no node of that saga or subsaga has the name, or it is no ancestor of n.
        """
        m = self._named.get((self.scopes[n], name))
        if m is None:
            raise BuildError(
                f"saga {self.name}: {self.labels[n]} looks up {name!r}, but no node beside it has that name"
            )
        if not self.is_ancestor(m, n):
            raise BuildError(
                f"saga {self.name}: {self.labels[n]} looks up {name!r}, but does not depend on it; "
                "append it after that node, or look up another"
            )
        return m

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """What to call each node in front of people: `start`, `end`, the name; `#index` added where that is not unique."""
        names = [self._plain_name(node) for node in self.nodes]
        return tuple(name if names.count(name) == 1 else f"{name}#{n}" for n, name in enumerate(names))

    @staticmethod
    def _plain_name(node: Node) -> str:
        if node.kind in (Kind.START, Kind.END):
            return node.kind.value
        return f"({node.saga_name})" if node.kind is Kind.SUBSAGA_START else node.name

    def select(self, text: str | int) -> int:
        """The node that a caller means: an index, a label, or a name that only one node has.

        Raises:
            BuildError: no node, or several.
        """
        if isinstance(text, int):
            if 0 <= text < len(self.nodes):
                return text
            raise BuildError(f"saga {self.name} has no node {text}; its nodes are 0 to {len(self.nodes) - 1}")
        if text in self.labels:
            return self.labels.index(text)
        found = [n for n, node in enumerate(self.nodes) if node.name == text]
        if len(found) != 1:
            several = ", ".join(self.labels[n] for n in found)
            reason = f"has several nodes called {text!r}: {several}" if found else f"has no node {text!r}"
            raise BuildError(f"saga {self.name} {reason}")
        return found[0]
