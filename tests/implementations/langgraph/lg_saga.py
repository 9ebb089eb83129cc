"""A saga as a program of LangGraph: a StateGraph, or an entrypoint with tasks; with sync or async bodies.

Only actions become nodes or tasks. What stands between two actions in the saga (its start and end, the brackets of
subsagas) has nothing to run, so an action depends on the nearest actions before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.func import entrypoint, task
from langgraph.graph import END, START, StateGraph
from langgraph.pregel import Pregel
from lg_world import OUTPUTS

__all__ = ["Body", "Saga", "as_entrypoint", "as_graph"]

Body = Callable[..., Any]  # (label, what the actions before it have put out) -> its output, or a coroutine


def _merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    return {**old, **new}


class _Outputs(TypedDict):
    outputs: Annotated[dict[str, Any], _merged]


@dataclass(frozen=True)
class Saga:
    """Actions in topological order, each with the actions on which it depends."""

    labels: tuple[str, ...]
    actions: tuple[str, ...]
    parents: Mapping[str, tuple[str, ...]]
    has_undo: frozenset[str]

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> Saga:
        """The saga of a `load` message."""
        labels, relations, predicates = message["labels"], message["relations"], message["predicates"]
        action = predicates["is_action"]

        def nearest(n: int) -> set[int]:
            found: set[int] = set()
            for p in relations["parents"][n]:
                found |= {p} if action[p] else nearest(p)
            return found

        order = sorted((n for n in range(len(labels)) if action[n]), key=lambda n: (len(relations["ancestors"][n]), n))
        return cls(
            tuple(labels),
            tuple(labels[n] for n in order),
            {labels[n]: tuple(labels[p] for p in sorted(nearest(n))) for n in order},
            frozenset(labels[n] for n in order if predicates["has_undo"][n]),
        )

    def name(self, label: str) -> str:
        """What LangGraph calls an action; labels may have characters that it does not allow."""
        return f"action_{self.labels.index(label)}"


def as_graph(saga: Saga, body: Body, saver: BaseCheckpointSaver[Any], *, is_async: bool) -> Pregel[Any, Any, Any, Any]:
    """A StateGraph with a node for each action; several edges into one node are one edge that waits for all."""

    def of(label: str) -> Any:
        def run(state: _Outputs) -> Any:
            return {OUTPUTS: {label: body(label, {p: state["outputs"][p] for p in saga.parents[label]})}}

        async def arun(state: _Outputs) -> Any:
            return {OUTPUTS: {label: await body(label, {p: state["outputs"][p] for p in saga.parents[label]})}}

        return arun if is_async else run

    builder = StateGraph(_Outputs)
    for label in saga.actions:
        builder.add_node(saga.name(label), of(label))
    for label in saga.actions:
        before = [saga.name(p) for p in saga.parents[label]]
        builder.add_edge(before if len(before) > 1 else next(iter(before), START), saga.name(label))
        if all(label not in saga.parents[other] for other in saga.actions):
            builder.add_edge(saga.name(label), END)
    return builder.compile(checkpointer=saver)


def as_entrypoint(
    saga: Saga, body: Body, saver: BaseCheckpointSaver[Any], *, is_async: bool
) -> Pregel[Any, Any, Any, Any]:
    """An entrypoint that calls a task for each action, always in the same order, as soon as those before have a result.

    LangGraph knows the calls of an entrypoint by their order, so the order must not depend on who is ready first.
    """

    def of(label: str) -> Any:
        def run(inputs: dict[str, Any]) -> dict[str, Any]:
            return {label: body(label, inputs)}

        async def arun(inputs: dict[str, Any]) -> dict[str, Any]:
            return {label: await body(label, inputs)}

        body_of: Any = arun if is_async else run
        return task(name=saga.name(label))(body_of)

    tasks = {label: of(label) for label in saga.actions}

    def run_saga(_: Any) -> dict[str, Any]:
        futures: dict[str, Any] = {}
        for label in saga.actions:
            futures[label] = tasks[label]({p: futures[p].result()[p] for p in saga.parents[label]})
        return {label: future.result()[label] for label, future in futures.items()}

    async def arun_saga(_: Any) -> dict[str, Any]:
        futures: dict[str, Any] = {}
        for label in saga.actions:
            futures[label] = tasks[label]({p: (await futures[p])[p] for p in saga.parents[label]})
        return {label: (await future)[label] for label, future in futures.items()}

    made: Pregel[Any, Any, Any, Any] = entrypoint(checkpointer=saver)(arun_saga if is_async else run_saga)
    return made
