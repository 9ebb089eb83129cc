"""What must not have happened in a life, found from outside: the journal against what was durable when.

Each check yields a sentence for each thing it finds; how many those are is the counter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from sagaref import CachedState, Dag, Ending, Event

from ._journal import CREATED, DO_BEGUN, UNDO_BEGUN, WRITTEN, Line, standing

if TYPE_CHECKING:
    from ._life import Life
    from ._places import Durable

__all__ = ["CHECKS", "EARLY", "GONE", "LOST", "RUN_AGAIN", "STANDING", "judge"]

Events = frozenset[tuple[int, Event]]

LOST = "sagas lost"
RUN_AGAIN = "actions run again although their completion was durable"
UNDONE_AGAIN = "undo actions run again although their completion was durable"
STANDING = "effects left standing of nodes that count as undone"
MISSING = "effects missing of nodes that succeeded"
EARLY = "actions begun before their parents' completions were durable"
UNDONE_EARLY = "undo actions begun before their children's were durable"
UNANNOUNCED = "actions begun before their own start was durable"
GONE = "acknowledged writes gone"
OTHERWISE = "sagas that ended otherwise than their actions say"


def judge(life: Life) -> dict[str, list[str]]:
    """Counter -> what it counted."""
    return {name: list(check(life)) for name, check in CHECKS.items()}


def ending(dag: Dag, events: Events) -> Ending | None:
    """How a saga ended, by its log; None if it did not."""
    if any(event is Event.UNDO_FAILED for _, event in events):
        return Ending.STUCK
    if (dag.start, Event.UNDO_FINISHED) in events:
        return Ending.UNWOUND
    return Ending.SUCCEEDED if (dag.end, Event.SUCCEEDED) in events else None


def counts_as_undone(n: int, events: Events) -> bool:
    """Whether no effect of a node is left, by the log: it never started, or failed, or was undone."""
    if (n, Event.SUCCEEDED) in events:
        return (n, Event.UNDO_FINISHED) in events
    return (n, Event.STARTED) not in events or (n, Event.FAILED) in events


def _lost(life: Life) -> Iterator[str]:
    had = {line.saga for line in life.journal if line.what == CREATED} | {s for seen in life.durable for s in seen}
    for saga in sorted(had):
        durable = life.durable[-1].get(saga)
        if durable is None:
            yield f"saga {saga} is not in the store any more"
        elif saga in life.rest.errors:
            yield f"saga {saga}: {life.rest.errors[saga]}"
        elif durable.state is not CachedState.DONE or ending(_dag(life, saga), durable.events) is None:
            yield f"saga {saga} is not at rest in the store"


def _again(what: str, *completions: Event) -> Callable[[Life], Iterator[str]]:
    def check(life: Life) -> Iterator[str]:
        for line in _lines(life, what):
            before = life.durable[line.process - 2] if line.process > 1 else {}
            for event in completions:
                if line.saga in before and (line.node, event) in before[line.saga].events:
                    yield f"{_node(life, line)} ran in process {line.process}, {event.value} before"

    return check


def _left_standing(life: Life) -> Iterator[str]:
    for saga, n in sorted(standing(life.journal)):
        durable = _at_rest(life).get(saga)
        if durable is None:
            continue
        unwound = ending(_dag(life, saga), durable.events) is Ending.UNWOUND
        if unwound or counts_as_undone(n, durable.events):
            yield f"the effect of {_dag(life, saga).labels[n]} of saga {saga} stands"


def _missing(life: Life) -> Iterator[str]:
    there = standing(life.journal)
    for saga, durable in _at_rest(life).items():
        dag = _dag(life, saga)
        for n, node in enumerate(dag.nodes):
            kept = (n, Event.SUCCEEDED) in durable.events and (n, Event.UNDO_STARTED) not in durable.events
            if node.action and kept and (saga, n) not in there:
                yield f"the effect of {dag.labels[n]} of saga {saga} is missing"


def _early(life: Life) -> Iterator[str]:
    for line in _lines(life, DO_BEGUN):
        dag, events = _dag(life, line.saga), _after(life, line)
        for p in dag.parents[line.node]:
            if (p, Event.SUCCEEDED) not in events:
                yield f"{_node(life, line)} ran in process {line.process} before {dag.labels[p]} had succeeded"


def _undone_early(life: Life) -> Iterator[str]:
    for line in _lines(life, UNDO_BEGUN):
        dag, events = _dag(life, line.saga), _after(life, line)
        for c in dag.children[line.node]:
            if not counts_as_undone(c, events):
                yield f"{_node(life, line)} was undone in process {line.process} before {dag.labels[c]} was"


def _unannounced(life: Life) -> Iterator[str]:
    starts = {DO_BEGUN: Event.STARTED, UNDO_BEGUN: Event.UNDO_STARTED}
    for line in life.journal:
        if line.what in starts and (line.node, starts[line.what]) not in _after(life, line):
            yield f"{_node(life, line)} ran in process {line.process} without {starts[line.what].value}"


def _gone(life: Life) -> Iterator[str]:
    for line in _lines(life, WRITTEN):
        if (line.node, Event(line.name)) not in _after(life, line):
            yield f"{line.name} of {_node(life, line)}, acknowledged in process {line.process}, is gone"


def _otherwise(life: Life) -> Iterator[str]:
    for saga, durable in _at_rest(life).items():
        says = ending(_dag(life, saga), durable.events)
        said = life.rest.endings.get(saga, "nothing")
        if says is None or says.value != said or says not in life.job.sagas[saga].endings:
            yield f"saga {saga} ended as {said}, by its log {says}"


CHECKS: Mapping[str, Callable[[Life], Iterator[str]]] = {
    LOST: _lost,
    RUN_AGAIN: _again(DO_BEGUN, Event.SUCCEEDED, Event.FAILED),
    UNDONE_AGAIN: _again(UNDO_BEGUN, Event.UNDO_FINISHED, Event.UNDO_FAILED),
    STANDING: _left_standing,
    MISSING: _missing,
    EARLY: _early,
    UNDONE_EARLY: _undone_early,
    UNANNOUNCED: _unannounced,
    GONE: _gone,
    OTHERWISE: _otherwise,
}


def _dag(life: Life, saga: str) -> Dag:
    return life.job.sagas[saga].dag


def _node(life: Life, line: Line) -> str:
    return f"{_dag(life, line.saga).labels[line.node]} of saga {line.saga}"


def _lines(life: Life, what: str) -> Iterator[Line]:
    return (line for line in life.journal if line.what == what)


def _after(life: Life, line: Line) -> Events:
    """What was durable of the saga after the process that wrote this line."""
    durable = life.durable[line.process - 1].get(line.saga)
    return durable.events if durable else frozenset()


def _at_rest(life: Life) -> dict[str, Durable]:
    """What is durable of the sagas that are at rest."""
    return {saga: seen for saga, seen in life.durable[-1].items() if seen.state is CachedState.DONE}
