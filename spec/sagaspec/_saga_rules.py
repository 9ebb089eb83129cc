"""What makes nodes and edges a saga: each rule is one function that refuses what breaks it, in one sentence.

`Saga.build` calls them in the order in which they stand here; a later rule relies on the earlier ones. The rules are
those of Distributed Sagas as the Rust crate `steno` 0.4.1 builds them (its `src/dag.rs`): one start, one end that has
one parent, subsagas inlined between two brackets, names unique within one saga or subsaga.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from sagacheck import InputError
from sagaspec._node import NodeKind, SagaNode
from sagaspec._text import quoted

__all__ = ["check_brackets", "check_edges", "check_ends", "check_nodes", "topological_order"]

Edge = tuple[int, int]
Neighbours = Sequence[Sequence[int]]

_OUTERMOST = -1  # the level of a node that is inside no subsaga
_CYCLE_SHOWN = 12  # nodes of a cycle that a sentence names


def _called(nodes: Sequence[SagaNode], index: int) -> str:
    """Name a node whose path is not known yet."""
    return f"{nodes[index].name or nodes[index].kind.value} (#{index})"


def check_nodes(nodes: Sequence[SagaNode], place: str) -> tuple[int, int]:
    """Check each node by itself, and that one node is the start and one the end.

    Returns:
        The indexes of the start and of the end.

    Raises:
        InputError: a name is missing, unprintable, or given to a kind that has none; a node that is no action has an
            undo; there is no start or end, or more than one.
    """
    for index, node in enumerate(nodes):
        if node.kind.is_named and not (node.name and node.name.isprintable()):
            raise InputError(
                f"{place}: node #{index} is called {quoted(node.name)}; "
                "give it a name of one or more printable characters"
            )
        if node.name and not node.kind.is_named:
            raise InputError(
                f"{place}: node #{index} is a {node.kind.value}, which has no name; drop {quoted(node.name)}"
            )
        if node.has_undo and node.kind is not NodeKind.ACTION:
            raise InputError(
                f"{place}: {_called(nodes, index)} is a {node.kind.value}; only an action can have an undo"
            )
    return _only(NodeKind.START, nodes, place), _only(NodeKind.END, nodes, place)


def _only(kind: NodeKind, nodes: Sequence[SagaNode], place: str) -> int:
    found = [index for index, node in enumerate(nodes) if node.kind is kind]
    if len(found) != 1:
        these = " and ".join(f"#{index}" for index in found[:2])
        count = f"{len(found)} {kind.value} nodes, among them {these}" if found else f"no {kind.value} node"
        raise InputError(f"{place}: there must be one {kind.value} node, but there is {count}; give it exactly one")
    return found[0]


def check_edges(nodes: Sequence[SagaNode], edges: Sequence[Edge], place: str) -> None:
    """Check each edge by itself.

    Raises:
        InputError: an edge names a node that does not exist, leads from a node to itself, or stands there twice.
    """
    seen: dict[Edge, int] = {}
    for position, (parent, child) in enumerate(edges):
        for index in (parent, child):
            if not 0 <= index < len(nodes):
                raise InputError(
                    f"{place}: edge {position} names node #{index}, but the nodes are #0 to #{len(nodes) - 1}; "
                    "remove the edge or add the node"
                )
        if parent == child:
            raise InputError(
                f"{place}: {_called(nodes, parent)} depends on itself in edge {position}; remove that edge"
            )
        if (parent, child) in seen:
            raise InputError(
                f"{place}: edge {position}, {_called(nodes, parent)} > {_called(nodes, child)}, "
                f"stands there already as edge {seen[parent, child]}; remove one of the two"
            )
        seen[parent, child] = position


def topological_order(nodes: Sequence[SagaNode], parents: Neighbours, children: Neighbours, place: str) -> list[int]:
    """Put parents before children; among the nodes that could come next, the lowest index does.

    Raises:
        InputError: the edges have a cycle; the sentence names the nodes of one.
    """
    waiting = [len(of) for of in parents]
    ready = [index for index, count in enumerate(waiting) if count == 0]
    order: list[int] = []
    while ready:
        index = heapq.heappop(ready)
        order.append(index)
        for child in children[index]:
            waiting[child] -= 1
            if waiting[child] == 0:
                heapq.heappush(ready, child)
    if len(order) < len(nodes):
        cycle = _cycle(parents, [count > 0 for count in waiting])
        named = [_called(nodes, index) for index in cycle[:_CYCLE_SHOWN]]
        rest = ["..."] if len(cycle) > _CYCLE_SHOWN else []
        raise InputError(
            f"{place}: a saga has no cycle, but {' > '.join([*named, *rest, named[0]])} is one; remove one of its edges"
        )
    return order


def _cycle(parents: Neighbours, stuck: Sequence[bool]) -> list[int]:
    """Find a cycle by walking backwards; a node that never got ready has a parent that never did."""
    walk = [stuck.index(True)]
    at = {walk[0]: 0}
    while True:
        parent = next(index for index in parents[walk[-1]] if stuck[index])
        if parent in at:
            cycle = walk[at[parent] :][::-1]
            first = cycle.index(min(cycle))
            return cycle[first:] + cycle[:first]
        at[parent] = len(walk)
        walk.append(parent)


def check_ends(nodes: Sequence[SagaNode], parents: Neighbours, children: Neighbours, place: str) -> None:
    """Check that everything lies between the start and the end; needs a graph without cycles.

    Raises:
        InputError: the start has a parent, the end has a child or not exactly one parent, another node has no parent
            (and so cannot be reached from the start) or no child (and so never leads to the end).
    """
    # The start and the end first: a wrong edge there tends to leave other nodes without one.
    for index, node in sorted(enumerate(nodes), key=lambda at: at[1].kind not in (NodeKind.START, NodeKind.END)):
        called = _called(nodes, index)
        if node.kind is NodeKind.START and parents[index]:
            raise InputError(f"{place}: {called} has the parent {_called(nodes, parents[index][0])}; remove that edge")
        if node.kind is NodeKind.END and children[index]:
            raise InputError(f"{place}: {called} has the child {_called(nodes, children[index][0])}; remove that edge")
        if node.kind is not NodeKind.START and not parents[index]:
            raise InputError(f"{place}: {called} cannot be reached from the start, it has no parent; add an edge to it")
        if node.kind is not NodeKind.END and not children[index]:
            raise InputError(f"{place}: {called} never leads to the end, it has no child; add an edge from it")
        if node.kind is NodeKind.END and len(parents[index]) != 1:
            named = " and ".join(_called(nodes, parent) for parent in parents[index][1::-1])
            raise InputError(
                f"{place}: {called} must have exactly one parent, but has {len(parents[index])}, "
                f"among them {named}; join them in one node before the end"
            )


def check_brackets(nodes: Sequence[SagaNode], parents: Neighbours, order: Sequence[int], place: str) -> list[str]:
    """Match each subsaga's start with its end, and find out from that where every node stands.

    Args:
        nodes: the nodes, all between the start and the end.
        parents: the parents of each node.
        order: the nodes in topological order.
        place: where the saga comes from.

    Returns:
        The path of each node.

    Raises:
        InputError: an edge leads into a subsaga or out of it past its brackets, a bracket has no counterpart or two, or
            two nodes of one saga or subsaga have the same name.
    """
    level = [_OUTERMOST] * len(nodes)  # the start of the innermost subsaga that a node is in
    closed: dict[int, int] = {}  # the start of a subsaga -> its end
    for index in order:
        around = [
            parent if nodes[parent].kind is NodeKind.SUBSAGA_START else level[parent] for parent in parents[index]
        ]
        if len(set(around)) > 1:
            other = next(k for k, opener in enumerate(around) if opener != around[0])
            raise InputError(
                f"{place}: subsaga brackets do not balance, {_called(nodes, index)} has the parents "
                f"{_called(nodes, parents[index][0])} and {_called(nodes, parents[index][other])}, which are not in "
                "the same subsaga; let edges enter a subsaga by its start and leave it by its end"
            )
        opener = around[0] if around else _OUTERMOST
        if nodes[index].kind is NodeKind.SUBSAGA_END:
            if opener == _OUTERMOST or opener in closed:
                why = "that none began" if opener == _OUTERMOST else f"that {_called(nodes, closed[opener])} ended"
                raise InputError(
                    f"{place}: subsaga brackets do not balance, {_called(nodes, index)} ends a subsaga {why}; "
                    "give every subsaga one start and one end"
                )
            closed[opener] = index
            opener = level[opener]
        level[index] = opener
        if nodes[index].kind is NodeKind.END and opener != _OUTERMOST:
            raise InputError(
                f"{place}: subsaga brackets do not balance, {_called(nodes, opener)} has no subsaga end; add one"
            )
    _check_names(nodes, level, closed, place)
    return _paths(nodes, level, closed, order)


def _check_names(nodes: Sequence[SagaNode], level: Sequence[int], closed: dict[int, int], place: str) -> None:
    seen: dict[tuple[int, str], int] = {}
    for index, node in enumerate(nodes):
        first = seen.setdefault((level[index], node.name), index)
        if node.kind.is_named and first != index:
            where = "the saga" if level[index] == _OUTERMOST else f"the subsaga {_called(nodes, closed[level[index]])}"
            raise InputError(
                f"{place}: nodes #{first} and #{index} of {where} are both called {quoted(node.name)}; "
                "rename one of them"
            )


def _paths(nodes: Sequence[SagaNode], level: Sequence[int], closed: dict[int, int], order: Sequence[int]) -> list[str]:
    prefix = {_OUTERMOST: ""}
    paths = [""] * len(nodes)
    for index in order:
        own = nodes[index].name or nodes[index].kind.value
        if nodes[index].kind is NodeKind.SUBSAGA_START:
            prefix[index] = f"{prefix[level[index]]}{nodes[closed[index]].name}/"
            paths[index] = f"{prefix[index]}start"
        else:
            paths[index] = prefix[level[index]] + own
    return paths
