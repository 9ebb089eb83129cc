"""Random sagas for the reference executor: their shapes, their DAGs, and what each of their nodes puts out.

A shape is a saga as its builder is told of it, group after group. An action puts out a digest of its name, its
parameters and the outputs of the group before it, so that an output that is right says that each input was right.
"""

from __future__ import annotations

import functools
import json
import zlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from hypothesis import strategies as st

from sagaref import ActionContext, ActionRegistry, Dag, DagBuilder, Kind, action, constant, subsaga

__all__ = ["Constant", "Inner", "Shape", "Work", "builder", "digest", "outputs", "shapes", "with_skips"]


@dataclass(frozen=True)
class Work:
    """An action, with or without an undo action."""

    has_undo: bool


@dataclass(frozen=True)
class Constant:
    """A node whose output is this."""

    value: Any


@dataclass(frozen=True)
class Inner:
    """A subsaga; its parameters are the output of the first node of the group before it."""

    shape: Shape


Item: TypeAlias = Work | Constant | Inner
# Groups, each of one or more items; the last group has one item, and the first has no subsaga.
Shape: TypeAlias = tuple[tuple[Item, ...], ...]
# Levels of subsagas, at most.
NESTING = 2
Run: TypeAlias = Callable[[tuple[str, ...], ActionContext], Awaitable[Any]]


def shapes(nesting: int = NESTING) -> st.SearchStrategy[Shape]:
    """Shapes with at most so many levels of subsagas."""
    work = st.sampled_from([Work(True), Work(True), Work(True), Work(True), Work(False)])
    leaf = st.one_of(work, work, work, st.builds(Constant, st.integers(0, 9)))
    item = st.one_of(work, work, leaf, st.builds(Inner, shapes(nesting - 1))) if nesting else leaf
    first = st.lists(leaf, min_size=1, max_size=3)
    outermost = nesting == NESTING
    rest = st.lists(st.lists(item, min_size=1, max_size=3), min_size=int(outermost), max_size=4 if outermost else 2)
    return st.builds(_shape, first, rest)


def _shape(first: list[Item], rest: list[list[Item]]) -> Shape:
    *groups, last = (first, *rest)
    return (*map(tuple, groups), (last[0],))


def builder(shape: Shape, name: str, registry: ActionRegistry, do: Run, undo: Run) -> DagBuilder:
    """A builder with this saga, each of whose actions has a name of its own, under which it is registered here."""
    built = DagBuilder(name)
    before: tuple[str, ...] = ()
    count = 0
    for group in shape:
        nodes, names = [], []
        for item in group:
            names.append(f"n{count}")
            count += 1
            path = f"{name}.{names[-1]}"
            if isinstance(item, Work):
                undone = functools.partial(undo, before) if item.has_undo else None
                registry.register(path, functools.partial(do, before), undone, reads=before)
                nodes.append(action(names[-1], path))
            elif isinstance(item, Constant):
                nodes.append(constant(names[-1], item.value))
            else:
                nodes.append(subsaga(names[-1], builder(item.shape, path, registry, do, undo), before[0]))
        built.append_parallel(*nodes)
        before = tuple(names)
    return built


def with_skips(dag: Dag, skips: Iterable[tuple[int, int, int]]) -> Dag:
    """The DAG with further edges, each from an ancestor in the same saga or subsaga, as a file may have but no builder.

    Args:
        dag: the DAG.
        skips: each which node, which of its ancestors that are no parents, and where among the edges it stands.
    """
    for which, other, where in skips:
        nodes = [n for n, node in enumerate(dag.nodes) if node.kind in (Kind.ACTION, Kind.CONSTANT)]
        n = nodes[which % len(nodes)]
        beside = (m for m in dag.topological if dag.scopes[m] == dag.scopes[n] and dag.is_ancestor(m, n))
        others = [m for m in beside if dag.nodes[m].kind is not Kind.SUBSAGA_START and m not in dag.parents[n]]
        if others:
            at = where % (len(dag.edges) + 1)
            edge = (others[other % len(others)], n)
            dag = replace(dag, edges=(*dag.edges[:at], edge, *dag.edges[at:]))
    return dag


def digest(action_name: str, params: Any, inputs: list[Any]) -> dict[str, Any]:
    """What an action puts out."""
    return {"by": action_name, "of": zlib.crc32(json.dumps([action_name, params, inputs]).encode())}


def outputs(shape: Shape, name: str, params: Any) -> tuple[Mapping[str, Any], Any]:
    """What the action of each name, and the saga, is to put out."""
    actions: dict[str, Any] = {}
    before: list[Any] = []
    count = 0
    for group in shape:
        values: list[Any] = []
        for item in group:
            path = f"{name}.n{count}"
            count += 1
            if isinstance(item, Work):
                actions[path] = digest(path, params, before)
                values.append(actions[path])
            elif isinstance(item, Constant):
                values.append(item.value)
            else:
                inner, output = outputs(item.shape, path, before[0])
                actions.update(inner)
                values.append(output)
        before = values
    return actions, before[0]
