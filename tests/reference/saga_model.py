"""What is true of a saga while the stateful test runs it, and what its executor may therefore do and say.

The model knows what has really happened: which actions ran, which effects stand, what the log in the store says. It is
written from the docs and the docstrings, on the public names of `sagaref` only, and shares no code with the executor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sagaref import (
    CachedState,
    Dag,
    Ending,
    Event,
    Failure,
    LogEntry,
    NodeState,
    Phase,
    Saga,
    SagaRecord,
    SagaResult,
    SagaStatus,
    SagaStopped,
    StoreError,
    Superseded,
)

__all__ = ["Hand", "Model", "Violation", "insist"]

# The last event of a node -> those that may follow; None: it has none.
AFTER: dict[Event | None, tuple[Event, ...]] = {
    None: (Event.STARTED,),
    Event.STARTED: (Event.SUCCEEDED, Event.FAILED),
    Event.SUCCEEDED: (Event.UNDO_STARTED,),
    Event.FAILED: (),
    Event.UNDO_STARTED: (Event.UNDO_FINISHED, Event.UNDO_FAILED),
    Event.UNDO_FINISHED: (),
    Event.UNDO_FAILED: (),
}
BEFORE = {event: before for before, events in AFTER.items() for event in events}
NO_EFFECT = (None, Event.FAILED, Event.UNDO_FINISHED)
UNDONE = (NodeState.UNDONE_NEVER_RAN, NodeState.UNDONE_FAILED, NodeState.UNDONE)
# The last event in the log -> what a node with a worker is, and what one without may be, when nobody has work to do.
STATES: dict[Event | None, tuple[NodeState | None, tuple[NodeState, ...]]] = {
    None: (NodeState.TASK_IN_PROGRESS, (NodeState.BLOCKED, NodeState.UNDONE_NEVER_RAN)),
    Event.STARTED: (NodeState.TASK_IN_PROGRESS, ()),
    Event.SUCCEEDED: (NodeState.UNDO_IN_PROGRESS, (NodeState.DONE,)),
    Event.FAILED: (None, (NodeState.FAILED, NodeState.UNDONE_FAILED)),
    Event.UNDO_STARTED: (NodeState.UNDO_IN_PROGRESS, ()),
    Event.UNDO_FINISHED: (None, (NodeState.UNDONE,)),
    Event.UNDO_FAILED: (None, (NodeState.UNDO_FAILED,)),
}
# What it may be besides while the loop is busy writing the cached state: it has not taken every completion.
WHILE_BUSY: dict[Event | None, tuple[NodeState, ...]] = {
    Event.STARTED: (NodeState.QUEUED_TO_RUN,),
    Event.SUCCEEDED: (NodeState.TASK_IN_PROGRESS, NodeState.QUEUED_TO_UNDO),
    Event.FAILED: (NodeState.TASK_IN_PROGRESS,),
    Event.UNDO_STARTED: (NodeState.QUEUED_TO_UNDO,),
    Event.UNDO_FINISHED: (NodeState.UNDO_IN_PROGRESS,),
    Event.UNDO_FAILED: (NodeState.UNDO_IN_PROGRESS,),
}
# And where an undo action has failed, so that nothing new is started.
WHEN_STUCK: dict[Event | None, tuple[NodeState, ...]] = {
    Event.STARTED: (NodeState.QUEUED_TO_RUN,),
    Event.SUCCEEDED: (NodeState.QUEUED_TO_UNDO,),
    Event.UNDO_STARTED: (NodeState.QUEUED_TO_UNDO,),
}
# Where nothing else is left to be: at the end of a saga that unwound.
AT_THE_END = {
    None: NodeState.UNDONE_NEVER_RAN,
    Event.FAILED: NodeState.UNDONE_FAILED,
    Event.UNDO_FINISHED: NodeState.UNDONE,
}


class Violation(AssertionError):  # noqa: N818  (the word of the checker)
    """The executor did what it may not do."""


def insist(right: object, what: str) -> None:
    """Raises Violation unless it is right."""
    if not right:
        raise Violation(what)


@dataclass(eq=False)
class Hand:
    """A saga as one executor has it, or had it.

    Attributes:
        client: the number of the executor.
        saga: what its user has; None while the call that gives it has not returned.
        generation: with which it was taken; 0 before.
        closed, broken: its executor was closed; its store failed for good.
        faults: (kind, node) -> whether it was reached, of every fault that was injected.
        repeats: (node, undo) -> how often it is to run.
        paused, breaks: where its nodes are to be held; a break is (node, undo).
        held, let_go: labels of those that are held; (node, undo) that were held and told to go on.
        runs: (node, undo) -> how often it ran.
        most: (node, undo) -> how often it was to run when it was about to run again.
        passed: (node, undo) whose worker has come past the place where it could have been held.
        doubt: (node, undo) whose start was durable when the saga was taken, and whose completion was not.
        cancels: node -> how often a run of it was cancelled.
        ended: its end has been looked at.
    """

    client: int
    saga: Saga | None = None
    generation: int = 0
    closed: bool = False
    broken: bool = False
    faults: dict[tuple[str, int], bool] = field(default_factory=dict)
    repeats: dict[tuple[int, bool], int] = field(default_factory=dict)
    paused: bool = False
    breaks: set[tuple[int, bool]] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    let_go: set[tuple[int, bool]] = field(default_factory=set)
    runs: dict[tuple[int, bool], int] = field(default_factory=dict)
    most: dict[tuple[int, bool], int] = field(default_factory=dict)
    passed: set[tuple[int, bool]] = field(default_factory=set)
    doubt: set[tuple[int, bool]] = field(default_factory=set)
    cancels: dict[int, int] = field(default_factory=dict)
    ended: bool = False

    def passes(self, n: int, undo: bool) -> None:
        """The worker of n comes past the place where it could have been held."""
        if (n, undo) not in self.passed:  # a write that failed is repeated, and a pause may have begun since
            self.passed.add((n, undo))
            free = not self.paused and (n, undo) not in self.breaks
            insist(free or (n, undo) in self.let_go, f"{n} was to be held (undo: {undo}) and went on")

    def runs_once_more(self, n: int, undo: bool, owns: bool) -> None:
        """The action of n, or its undo action, begins a run; `owns`: no other executor has taken the saga."""
        key, kind = (n, undo), ("undo repeat" if undo else "repeat", n)
        count = self.runs[key] = self.runs.get(key, 0) + 1
        if count == 1:
            if key in self.doubt:  # others have been seen when they wrote their start
                self.passes(n, undo)
            insist(owns or key in self.doubt, f"an executor that had lost the saga started {n}")
            return
        if count == 2:
            self.most[key] = self.repeats.get(key, 1)
        insist(count <= self.most[key], f"run {count} of {n} (undo: {undo}) in one execution")
        if kind in self.faults:
            self.faults[kind] = True

    def injected(self, kind: str, n: int, count: int = 1) -> None:
        """A fault was injected; a run that is to be made once is no fault."""
        if kind in ("repeat", "undo repeat"):
            self.repeats[n, kind == "undo repeat"] = count
            self.faults.pop((kind, n), None)
        if kind in ("error", "undo error") or count > 1:
            self.faults[kind, n] = False


@dataclass(eq=False)
class Model:
    """What is true of one saga.

    Attributes:
        saga_id, dag, text: the saga; `text` is its DAG as the store has it.
        expected, output: what the action of each node, and the saga, put out.
        fails, undo_fails: the nodes whose action, or undo action, fails unless the test says otherwise.
        early: nodes that take, and remove, their effect before they wait for their fate, not after.
        slow: nodes that do not end at once when they are cancelled.
        effectful: the nodes that have an effect: those with something to undo.
        effects: the nodes whose effect stands.
        excused: nodes whose effect stands because an error was injected into a run that would have removed it.
        may_fail, may_undo_fail: the nodes that were made to fail.
        owner: the client that took it last; None if nobody has.
        generation: how often it was taken.
        log: what its log was when it was last looked at.
        results: what each end of it said.
    """

    saga_id: str
    dag: Dag
    text: str
    expected: dict[int, Any]
    output: Any
    fails: frozenset[int]
    undo_fails: frozenset[int]
    early: frozenset[int]
    slow: frozenset[int]
    effectful: frozenset[int]
    effects: set[int] = field(default_factory=set)
    excused: set[int] = field(default_factory=set)
    may_fail: set[int] = field(default_factory=set)
    may_undo_fail: set[int] = field(default_factory=set)
    owner: int | None = None
    generation: int = 0
    log: tuple[LogEntry, ...] = ()
    results: list[SagaResult] = field(default_factory=list)

    def last(self, log: Sequence[LogEntry] | None = None) -> list[Event | None]:
        """The last event of each node in a log; in what it was when it was last looked at."""
        events: list[Event | None] = [None] * len(self.dag.nodes)
        for entry in self.log if log is None else log:
            events[entry.node] = entry.event
        return events

    # What happens -------------------------------------------------------------------------------------------------

    def fail(self, n: int, undo: bool) -> None:
        """A run of n ends in a failure, having left no effect behind."""
        (self.may_undo_fail if undo else self.may_fail).add(n)
        if not undo:
            self.effects.discard(n)

    def inject(self, n: int, undo: bool) -> None:
        """A run of n fails without having run: it has not removed what an earlier run left behind."""
        (self.may_undo_fail if undo else self.may_fail).add(n)
        if not undo and n in self.effects:
            self.excused.add(n)

    def read(self, log: Sequence[LogEntry]) -> None:
        """The log was this: it only grows, is legal for each node, and in an order that the DAG allows."""
        both = min(len(log), len(self.log))
        insist(tuple(log[:both]) == self.log[:both], f"the log of {self.saga_id} has changed: {self.log} {log}")
        events = self.last()
        for entry in log[both:]:
            n = entry.node
            insist(entry.event in AFTER[events[n]], f"{n}: {entry.event} after {events[n]}")
            self._check_neighbours(entry.event, n, events)
            events[n] = entry.event
        self.log += tuple(log[both:])

    def check_run(self, log: Sequence[LogEntry], n: int, undo: bool) -> None:
        """The action of n, or its undo action, began to run when the log was this."""
        self.read(log)
        events, start = self.last(log), Event.UNDO_STARTED if undo else Event.STARTED
        insist(events[n] is start, f"{n} began to run (undo: {undo}) when its log said {events[n]}")
        self._check_neighbours(start, n, events)

    def _check_neighbours(self, event: Event, n: int, events: list[Event | None]) -> None:
        if event is Event.STARTED:
            for p in self.dag.parents[n]:
                insist(events[p] is Event.SUCCEEDED, f"{n} was started when its parent {p} was {events[p]}")
        if event is Event.UNDO_STARTED:
            insist(Event.FAILED in events, f"{n} was to be undone, and nothing had failed")
            for c in self.dag.children[n]:
                insist(events[c] in NO_EFFECT, f"{n} was to be undone when its child {c} was {events[c]}")

    # What it says -------------------------------------------------------------------------------------------------

    def check_snapshot(self, status: SagaStatus) -> None:
        """What any status says, whenever it is asked for."""
        states = {node.node: node.state for node in status.nodes}
        insist(len(states) == len(self.dag.nodes), f"the status has not every node: {status}")
        for node in status.nodes:
            insist(node.state is not None and not node.problem, f"{node.label}: {node.problem}")
            if node.state in UNDONE:
                undone = all(states[c] in UNDONE for c in self.dag.children[node.node])
                insist(undone, f"{node.label} is undone before its children:\n{status.tree()}")

    def check_record(self, record: SagaRecord) -> None:
        """What the store says of it; nobody has work to do."""
        insist((record.name, record.dag) == (self.dag.name, self.text), f"the store has another DAG: {record}")
        insist(record.generation == self.generation, f"{record} was taken {self.generation} times")

    def check_effects(self) -> None:
        """Which effects stand; nobody has work to do."""
        events = self.last()
        for n in self.effectful - self.excused:
            stands = n in self.effects
            insist(not (stands and events[n] in NO_EFFECT), f"the log of {n} says {events[n]}, and its effect stands")
            insist(stands or events[n] is not Event.SUCCEEDED, f"{n} succeeded, and its effect does not stand")

    def check_status(self, hand: Hand, waiting: Sequence[tuple[int, str]]) -> None:
        """What the status says when nobody has work to do.

        Args:
            hand: an executor that has it, or had it.
            waiting: what it waits for: a node, or -1 for a write of the cached state, and what, as `Gate` has it.
        """
        assert hand.saga is not None
        status = hand.saga.status()
        self.check_snapshot(status)
        insist(self.saga_id in status.tree(), f"whose tree is this?\n{status.tree()}")
        for label in set(status.held) - hand.held:
            n = self.dag.select(label)
            insist(hand.paused or hand.breaks & {(n, False), (n, True)}, f"{label} is held, and should not be")
        hand.held = set(status.held)
        faults = {(one.kind, self.dag.select(one.label)): one.reached for one in status.injections}
        insist(faults == hand.faults, f"it says that the faults are {faults}, and they are {hand.faults}")
        if hand.saga.ended:
            return
        if not hand.generation:
            blocked = all(node.state is NodeState.BLOCKED for node in status.nodes)
            insist(blocked and status.phase is Phase.RUNNING, f"it was never started:\n{status.tree()}")
            return
        active = {n for n, _ in waiting} | {self.dag.select(label) for label in status.held}
        insist(active, f"{self.saga_id} hangs:\n{status.tree()}\n{self.log}")
        if self.owner == hand.client:
            self._check_states(status, active, self._heard(waiting))

    def _heard(self, waiting: Sequence[tuple[int, str]]) -> list[Event | None]:
        """The last events, but for those that are about to be written again: the store said that they failed."""
        again = {n for n, what in waiting if n >= 0 and (event := self.last()[n]) and event.value == what}
        return [BEFORE[event] if event and n in again else event for n, event in enumerate(self.last())]

    def _check_states(self, status: SagaStatus, active: set[int], events: Sequence[Event | None]) -> None:
        busy, stuck, unwinds = -1 in active, Event.UNDO_FAILED in events, Event.FAILED in events
        for node in status.nodes:
            event = events[node.node]
            with_worker, without = STATES[event]
            right = [with_worker] if node.node in active else [*without]
            right += WHILE_BUSY.get(event, ()) if busy else ()
            right += WHEN_STUCK.get(event, ()) if stuck else ()
            insist(node.state in right, f"{node.label} is {node.state}, its log says {event}:\n{status.tree()}")
            if not busy:
                load = {None: Event.STARTED, Event.SUCCEEDED: Event.UNDO_STARTED}.get(event, event)
                load = load if node.node in active else event
                said = "never started" if load is None else load.value.replace("_", " ")
                insist(node.log.value == said, f"the log copy of {node.label} says {node.log}, and the log {event}")
        if not busy:
            insist(status.stopping == stuck, f"an undo action has failed is {stuck}, but:\n{status.tree()}")
            insist((status.phase is Phase.UNWINDING) == unwinds, f"to unwind is {unwinds}, but:\n{status.tree()}")

    # Its end ------------------------------------------------------------------------------------------------------

    def check_stop(self, hand: Hand, raised: Exception) -> None:
        """An executor stopped running it before its end."""
        insist(isinstance(raised, SagaStopped), f"waiting for {self.saga_id} raised {raised!r}")
        cause = raised.__cause__
        if isinstance(cause, Superseded):
            right = self.generation > hand.generation
        else:
            right = hand.broken if isinstance(cause, StoreError) else cause is None and hand.closed
        insist(right, f"{self.saga_id} stopped for no reason: {raised}; {cause!r}")

    def check_rest(self, hand: Hand, result: SagaResult, record: SagaRecord) -> None:
        """It has come to rest."""
        assert hand.saga is not None
        events, status = self.last(), hand.saga.status()
        states = {node.node: node.state for node in status.nodes}
        insist(record.state is CachedState.DONE, f"{self.saga_id} rests, and the store says {record.state}")
        insist(status.phase is Phase.DONE and not status.held, f"this is no rest:\n{status.tree()}")
        insist((result.saga_id, result.name) == (self.saga_id, self.dag.name), f"this is another saga: {result}")
        insist(result.injections == status.injections, f"these are other faults: {result}")
        self._check_failure(result.failure, Event.FAILED, self.may_fail)
        self._check_failure(result.undo_failure, Event.UNDO_FAILED, self.may_undo_fail)
        outputs = {
            self.dag.labels[n]: self.expected.get(n, node.value)
            for n, node in enumerate(self.dag.nodes)
            if node.name and events[n] is Event.SUCCEEDED
        }
        insist(outputs.keys() == result.outputs.keys(), f"outputs of {outputs.keys()}, not {result.outputs.keys()}")
        for label, output in outputs.items():
            insist(output in (None, result.outputs[label]), f"the output of {label} is {output}, not {result}")
        if Event.UNDO_FAILED in events:
            ending = Ending.STUCK
        elif Event.FAILED in events:
            ending = Ending.UNWOUND
            insist(all(states[n] is AT_THE_END.get(event) for n, event in enumerate(events)), status.tree())
            insist(self.effects <= self.excused, f"{self.saga_id} is unwound, and effects stand: {self.effects}")
        else:
            ending = Ending.SUCCEEDED
            insist(set(states.values()) == {NodeState.DONE}, status.tree())
            insist(self.effects == self.effectful, f"{self.saga_id} succeeded with the effects {self.effects} only")
            insist(result.output == self.output, f"the output of {self.saga_id} is {self.output}: {result}")
        insist(result.ending is ending, f"{self.saga_id} ended as {ending}: {result}")
        for other in self.results:
            insist((other.ending, other.outputs) == (ending, result.outputs), f"another end than before: {result}")
        self.results.append(result)

    def _check_failure(self, failure: Failure | None, event: Event, may: set[int]) -> None:
        failed = {n for n, last in enumerate(self.last()) if last is event}
        insist(failed <= may, f"nodes have {event} that nothing made fail: {failed - may}")
        insist((failure is None) == (not failed), f"the log says {event} of {failed}, the result {failure}")
        if failure is not None:
            insist(failure.node in failed and failure.label == self.dag.labels[failure.node], f"{failure}: {failed}")
            insist(failure.error in ("ActionFailed", "InjectedError", "Cancelled"), f"another cause: {failure}")
            planned = failure.error != "ActionFailed" or failure.detail == {"node": failure.node}
            insist(planned, f"another cause: {failure}")
