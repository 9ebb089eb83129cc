"""Builds DAGs group after group, as steno does, and checks that a DAG is a saga and fits the registered actions.

Nodes and edges come in the order that the builder of steno 0.4.1 (dag.rs) gives them: executors are sensitive to it.
"""

from __future__ import annotations

import json
import reprlib
from dataclasses import dataclass
from typing import Any

from sagaref._actions import ActionRegistry, check_name, is_whole
from sagaref._dag import Dag, Kind, Node
from sagaref._errors import BuildError
from sagaref._json import NotJson, to_text

__all__ = ["DagBuilder", "Subsaga", "action", "check", "check_structure", "constant", "subsaga"]

# The fields of a node of each kind that are names, and what sentences call them.
_NAMES: dict[Kind, dict[str, str]] = {
    Kind.START: {},
    Kind.END: {},
    Kind.ACTION: {"name": "its name", "action": "the name of its action"},
    Kind.CONSTANT: {"name": "its name"},
    Kind.SUBSAGA_START: {"saga_name": "the name of its saga", "params_from": "the name of the node of its parameters"},
    Kind.SUBSAGA_END: {"name": "its name"},
}

# The fields of a node that are texts, also where they mean nothing.
_TEXTS = ("label", "name", "action", "saga_name", "params_from")


@dataclass(frozen=True)
class Subsaga:
    """A saga that is to stand in another one; made by `subsaga`.

    Attributes:
        name: of its output in the saga around it.
        dag: the saga.
        params_from: the name of the node around it whose output is its parameters.
    """

    name: str
    dag: Dag
    params_from: str


def action(name: str, action_name: str, label: str = "") -> Node:
    """A node that runs the action registered as `action_name`; its output is called `name`.

    Raises:
        BuildError: a name is no text of one or more printable characters, or the label is no text of JSON.
    """
    node = Node(Kind.ACTION, name, label=label, action=action_name)
    _check_node(node, f"action {reprlib.repr(name)}")
    return node


def constant(name: str, value: Any) -> Node:
    """A node whose output, called `name`, is a copy of this JSON value.

    Raises:
        BuildError: the name is no text of one or more printable characters, or the value is not JSON.
    """
    _check_node(Node(Kind.CONSTANT, name, value=value), f"constant {reprlib.repr(name)}")
    return Node(Kind.CONSTANT, name, value=json.loads(json.dumps(value)))


def subsaga(name: str, saga: Dag | DagBuilder, params_from: str) -> Subsaga:
    """All nodes of a saga as it is now, between two brackets.

    The names of its nodes mean something inside only. Its parameters are the output of `params_from`, whatever the
    start of a `Dag` holds; its output, called `name`, is that of its last node.

    Raises:
        BuildError: a name is no text of one or more printable characters; the saga is no `Dag` or `DagBuilder`, or
            breaks a rule of `check_structure`.
    """
    what = f"subsaga {reprlib.repr(name)}"
    if not isinstance(saga, Dag | DagBuilder):
        raise BuildError(f"{what} is a value of type {type(saga).__name__}; give a Dag or a DagBuilder")
    dag = saga if isinstance(saga, Dag) else saga._dag()
    check_structure(dag)
    _check_node(Node(Kind.SUBSAGA_START, saga_name=dag.name, params_from=params_from), what)
    _check_node(Node(Kind.SUBSAGA_END, name), what)
    return Subsaga(name, dag, params_from)


class DagBuilder:
    """Puts a saga together: every node depends on all nodes of the group before it.

    Args:
        name: of the saga.

    Raises:
        BuildError: the name is no text of one or more printable characters.
    """

    def __init__(self, name: str) -> None:
        check_name(name, "the name of a saga")
        self.name = name
        self._nodes: list[Node] = []
        self._edges: list[tuple[int, int]] = []
        self._first: tuple[int, ...] = ()
        self._last: tuple[int, ...] = ()

    def append(self, node: Node | Subsaga) -> None:
        """Add a group of one node, made by `action`, `constant` or `subsaga`.

        Raises:
            BuildError: it is no such node; nothing was added.
        """
        self.append_parallel(node)

    def append_parallel(self, *nodes: Node | Subsaga) -> None:
        """Add a group of nodes; none of them depends on another.

        Raises:
            BuildError: there are none, or one is no node that `action`, `constant` or `subsaga` makes; nothing was
                added.
        """
        if not nodes:
            raise BuildError(f"saga {self.name}: a parallel group is empty; give it one node or more")
        for node in nodes:
            if not isinstance(node, Subsaga) and getattr(node, "kind", None) not in (Kind.ACTION, Kind.CONSTANT):
                raise BuildError(
                    f"saga {self.name}: {reprlib.repr(node)} was appended, which is no node; "
                    "append what `action`, `constant` or `subsaga` makes"
                )
        placed = [self._inline(node) if isinstance(node, Subsaga) else self._place(node) for node in nodes]
        self._first = self._first or tuple(first for first, _ in placed)
        self._last = tuple(last for _, last in placed)

    def build(self, registry: ActionRegistry, params: Any = None) -> Dag:
        """The saga as it is now, with these parameters.

        Raises:
            BuildError: the saga is empty or does not end in one node; the parameters are not JSON; it breaks a rule of
                `check`.
        """
        dag = self._dag().with_params(params)
        check(dag, registry)
        return dag

    def _dag(self) -> Dag:
        if len(self._last) != 1:
            how = f"ends in {len(self._last)} nodes side by side" if self._last else "is empty"
            raise BuildError(f"saga {self.name} {how}; append one last node, whose output is that of the saga")
        start, end = len(self._nodes), len(self._nodes) + 1
        edges = (*self._edges, *((start, first) for first in self._first), (self._last[0], end))
        return Dag(self.name, (*self._nodes, Node(Kind.START), Node(Kind.END)), edges, start, end)

    def _add(self, node: Node) -> int:
        self._nodes.append(node)
        return len(self._nodes) - 1

    def _place(self, node: Node) -> tuple[int, int]:
        """Add a node after the last group; it is the first and the last of what was added."""
        n = self._add(node)
        self._edges += ((last, n) for last in self._last)
        return n, n

    def _inline(self, subsaga: Subsaga) -> tuple[int, int]:
        """Add a subsaga after the last group; the first and the last index of what was added."""
        dag = subsaga.dag
        opening, _ = self._place(Node(Kind.SUBSAGA_START, saga_name=dag.name, params_from=subsaga.params_from))
        inner = [n for n in range(len(dag.nodes)) if n not in (dag.start, dag.end)]
        index = {n: self._add(dag.nodes[n]) for n in inner}
        # Steno copies the parents of a node newest edge first, which turns the edges of a join around.
        self._edges += ((index[p], index[n]) for n in inner for p in dag.parents[n] if p != dag.start)
        self._edges += ((opening, index[first]) for first in reversed(dag.children[dag.start]))
        closing = self._add(Node(Kind.SUBSAGA_END, subsaga.name))
        self._edges.append((index[dag.parents[dag.end][0]], closing))
        return opening, closing


def check(dag: Dag, registry: ActionRegistry) -> None:
    """Check that a DAG, built or read, is a saga that these actions can run.

    Raises:
        BuildError: it breaks a rule of `check_structure`; an action is not registered; an action reads a name that is
            not the name of a node on which it depends in its saga or subsaga.
    """
    check_structure(dag)
    for n, node in enumerate(dag.nodes):
        if node.kind is Kind.ACTION:
            try:
                reads = registry.get(node.action).reads
            except BuildError as error:
                raise _broken(dag, f"{dag.called(n)}: {error}") from None
            for name in reads:
                dag.find(n, name)


def check_structure(dag: Dag) -> None:
    """Check that a DAG is a saga, whatever its actions are.

    Raises:
        BuildError: a field is not of its type; a name is no text of one or more printable characters; a value is not
            JSON; there is not one start, without parents, and one end, without children; an edge leads from or to no
            node, from a node to itself, or is there twice; there is a cycle; a node cannot be reached from the start,
            or does not lead to the end; the brackets of a subsaga do not balance; the saga or a subsaga is empty, or
            does not end in one node; two outputs of one saga or subsaga have one name; the parameters of a subsaga
            come from no node on which it depends in the saga around it.
    """
    check_name(dag.name, "the name of a saga")
    _check_fields(dag)
    for n, node in enumerate(dag.nodes):
        _check_node(node, f"saga {dag.name}: node {n}")
    _check_only(dag, Kind.START, dag.start)
    _check_only(dag, Kind.END, dag.end)
    _check_edges(dag)
    for n in (dag.start, dag.end, *dag.topological):
        _check_neighbours(dag, n)
    named: dict[tuple[int, str], int] = {}
    for n, (scope, node) in enumerate(zip(dag.scopes, dag.nodes, strict=True)):
        if "name" in _NAMES[node.kind] and named.setdefault((scope, node.name), n) != n:
            pair = f"nodes {named[scope, node.name]} and {n}"
            raise _broken(dag, f"{pair} of one saga or subsaga are both called {node.name!r}; rename one of them")
    for n, node in enumerate(dag.nodes):
        if node.kind is Kind.SUBSAGA_START:
            dag.find(n, node.params_from)


def _broken(dag: Dag, sentence: str) -> BuildError:
    return BuildError(f"saga {dag.name}: {sentence}")


def _check_fields(dag: Dag) -> None:
    nodes = dag.nodes if isinstance(dag.nodes, tuple) else (None,)
    if not all(isinstance(node, Node) and isinstance(node.kind, Kind) for node in nodes):
        raise _broken(dag, "its nodes must be a tuple of `Node`s, each of a `Kind`")
    edges = dag.edges if isinstance(dag.edges, tuple) else (None,)
    if not all(isinstance(edge, tuple) and len(edge) == 2 and all(map(is_whole, edge)) for edge in edges):
        raise _broken(dag, "its edges must be a tuple of pairs of whole numbers")
    if not (is_whole(dag.start) and is_whole(dag.end)):
        raise _broken(dag, "its start and its end must be whole numbers")


def _check_node(node: Node, where: str) -> None:
    for field, what in _NAMES[node.kind].items():
        check_name(getattr(node, field), f"{where}: {what}")
    for field in _TEXTS:
        if not isinstance(text := getattr(node, field), str):
            raise BuildError(f"{where}: its {field} must be a text, not {reprlib.repr(text)}")
    for value in (node.value, node.label):
        try:
            to_text(value)
        except NotJson as error:
            raise BuildError(f"{where}: {error}; give it a JSON value") from None


def _check_only(dag: Dag, kind: Kind, given: int) -> None:
    found = [n for n, node in enumerate(dag.nodes) if node.kind is kind]
    if found != [given]:
        these = ", ".join(map(str, found)) or "none"
        raise _broken(
            dag, f"its {kind.value} must be the one node of that kind; it is node {given}, and those are {these}"
        )


def _check_edges(dag: Dag) -> None:
    seen: dict[tuple[int, int], int] = {}
    for position, (parent, child) in enumerate(dag.edges):
        for n in (parent, child):
            if not 0 <= n < len(dag.nodes):
                raise _broken(dag, f"edge {position} names node {n}, but the nodes are 0 to {len(dag.nodes) - 1}")
        if parent == child:
            raise _broken(dag, f"by edge {position}, {dag.called(parent)} depends on itself; remove that edge")
        if seen.setdefault((parent, child), position) != position:
            raise _broken(dag, f"edges {seen[parent, child]} and {position} are the same; remove one of them")


def _check_neighbours(dag: Dag, n: int) -> None:
    kind, called = dag.nodes[n].kind, dag.called(n)
    parents, children = dag.parents[n], dag.children[n]
    if kind is Kind.START and parents:
        raise _broken(dag, f"{called} depends on {dag.called(parents[0])}; remove that edge")
    if kind is Kind.END and children:
        raise _broken(dag, f"{dag.called(children[0])} depends on {called}; remove that edge")
    if kind is not Kind.START and not parents:
        raise _broken(dag, f"{called} cannot be reached from the start; add an edge to it")
    if kind is not Kind.END and not children:
        raise _broken(dag, f"{called} does not lead to the end; add an edge from it")
    if kind in (Kind.END, Kind.SUBSAGA_END):
        if len(parents) > 1:
            raise _broken(dag, f"{called} depends on {len(parents)} nodes; join them in one node before it")
        if dag.nodes[parents[0]].kind in (Kind.START, Kind.SUBSAGA_START):
            raise _broken(dag, f"there is nothing between {dag.called(parents[0])} and {called}; put a node there")
