"""A saga's DAG: nodes, edges, who depends on whom, and which output a name stands for.

A node's identity is its index; names are unique within a saga or a subsaga only. The order of the edges is part of the
DAG: neighbours come newest edge first, as in petgraph, the graph library of steno. A `Dag` is a value that the builder
and the reader of steno's JSON make; they check it (`check_structure` in `_builder`), the constructor does not.
"""

from __future__ import annotations

import enum
import heapq
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from sagaref._errors import BuildError
from sagaref._json import NotJson, to_text

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

    def with_params(self, params: Any) -> Dag:
        """This DAG with a copy of these parameters, a JSON value, in its start.

        Raises:
            BuildError: they are not JSON.
        """
        try:
            start = replace(self.nodes[self.start], value=json.loads(to_text(params)))
        except NotJson as error:
            raise BuildError(f"saga {self.name}: its parameters: {error}; give it a JSON value") from None
        return replace(self, nodes=(*self.nodes[: self.start], start, *self.nodes[self.start + 1 :]))

    @cached_property
    def parents(self) -> tuple[tuple[int, ...], ...]:
        """For each node those that it depends on, newest edge first."""
        return self._neighbours((child, parent) for parent, child in reversed(self.edges))

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """For each node those that depend on it, newest edge first."""
        return self._neighbours(reversed(self.edges))

    def _neighbours(self, pairs: Iterable[tuple[int, int]]) -> tuple[tuple[int, ...], ...]:
        found: list[list[int]] = [[] for _ in self.nodes]
        for here, there in pairs:
            found[here].append(there)
        return tuple(map(tuple, found))

    @cached_property
    def topological(self) -> tuple[int, ...]:
        """All nodes, parents before children; among those that could come next, the lowest index.

        Raises:
            BuildError: there is a cycle.
        """
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
            cycle = " > ".join(map(self.called, self._cycle(waiting)))
            raise BuildError(f"saga {self.name}: its edges form a cycle, {cycle}; remove one of them")
        return tuple(order)

    def _cycle(self, waiting: list[int]) -> list[int]:
        """A cycle: whoever still waits has a parent that still waits, and walking upwards meets one of them again."""
        walk = [next(n for n, count in enumerate(waiting) if count)]
        while True:
            p = next(p for p in self.parents[walk[-1]] if waiting[p])
            if p in walk:
                return [p, *reversed(walk[walk.index(p) :])]
            walk.append(p)

    @cached_property
    def scopes(self) -> tuple[int, ...]:
        """For each node the node that brackets it: the start of the saga, or that of the subsaga that it is in.

        The brackets themselves stand in the saga around them: their outputs and lookups are its.

        Raises:
            BuildError: there is a cycle, or the brackets of a subsaga do not balance.
        """
        scope = [self.start] * len(self.nodes)
        ended: dict[int, int] = {}
        for n in self.topological:
            kind = self.nodes[n].kind
            inner, *others = self._scopes_above(n, scope)
            if others:
                of = " and ".join(map(self.called, self.parents[n]))
                raise self._unbalanced(f"{self.called(n)} depends on {of}, which are not in the same subsaga")
            if kind is Kind.SUBSAGA_END:
                if inner == self.start:
                    raise self._unbalanced(f"{self.called(n)} ends a subsaga that none began")
                if inner in ended:
                    raise self._unbalanced(f"{self.called(ended[inner])} and {self.called(n)} end the same subsaga")
                ended[inner] = n
                inner = scope[inner]
            elif kind is Kind.END and inner != self.start:
                raise self._unbalanced(f"{self.called(inner)} begins a subsaga that none ends")
            scope[n] = inner
        return tuple(scope)

    def _scopes_above(self, n: int, scope: list[int]) -> set[int]:
        """The sagas and subsagas that the edges to n are in; one, if the brackets balance."""
        opens = Kind.SUBSAGA_START
        return {p if self.nodes[p].kind is opens else scope[p] for p in self.parents[n]} or {self.start}

    def _unbalanced(self, reason: str) -> BuildError:
        return BuildError(
            f"saga {self.name}: the brackets of its subsagas do not balance, {reason}; "
            "let edges enter each subsaga by its start and leave it by its end"
        )

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
            beside = [other for scope, other in self._named if scope == self.scopes[n]]
            alike = get_close_matches(name, beside, 1)
            raise BuildError(
                f"saga {self.name}: {self.called(n)} looks up {name!r}, but no node beside it has that name; "
                + (
                    f"did you mean {alike[0]!r}?"
                    if alike
                    else "append that node before it, in the same saga or subsaga, or look up another"
                )
            )
        if not self.is_ancestor(m, n):
            raise BuildError(
                f"saga {self.name}: {self.called(n)} looks up {name!r}, but does not depend on it; "
                "append it after that node, or look up another"
            )
        return m

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """What to call each node in front of people: `start`, `end`, its name; `name#index` if others are called so."""
        names = [self._plain_name(node) for node in self.nodes]
        count = Counter(names)
        return tuple(name if count[name] == 1 and "#" not in name else f"{name}#{n}" for n, name in enumerate(names))

    @staticmethod
    def _plain_name(node: Node) -> str:
        if node.kind in (Kind.START, Kind.END):
            return str(node.kind.value)
        return f"({node.saga_name})" if node.kind is Kind.SUBSAGA_START else node.name

    def called(self, n: int) -> str:
        """What a sentence about the DAG calls a node, so that it is found in the code and in a file."""
        return f"{self._plain_name(self.nodes[n])} (node {n})"

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
        found = [n for n, node in enumerate(self.nodes) if text and node.name == text]
        if len(found) != 1:
            several = ", ".join(self.labels[n] for n in found)
            reason = f"has several nodes called {text!r}: {several}" if found else f"has no node {text!r}"
            raise BuildError(f"saga {self.name} {reason}")
        return found[0]
