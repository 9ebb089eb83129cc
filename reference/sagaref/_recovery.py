"""Recovery: memory rebuilt from the durable log alone. A new saga is the recovery of an empty log.

The nodes are visited in topological order, in reverse where the log is unwinding, as in steno 0.4.1 (saga_exec.rs). A
log that no conforming executor can have written is refused before anything is built from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sagaref._dag import Dag
from sagaref._errors import Assertion, Inconsistent
from sagaref._log import Event, Load, LogEntry, is_unwinding, load_statuses
from sagaref._memory import Memory, Phase, Undone

__all__ = ["ALLOWED_PARENTS", "rebuild"]

_UNDOING = (Load.UNDO_STARTED, Load.UNDO_FINISHED, Load.UNDO_FAILED)

# The load status of a node -> what that of each of its parents may be. The row of NEVER_STARTED is the one that steno
# 0.4.1 has too strict (omicron #10531): a child that never started says nothing of its parents.
ALLOWED_PARENTS: Mapping[Load, frozenset[Load]] = {
    Load.NEVER_STARTED: frozenset(Load),
    Load.STARTED: frozenset((Load.SUCCEEDED,)),
    Load.SUCCEEDED: frozenset((Load.SUCCEEDED,)),
    Load.FAILED: frozenset((Load.SUCCEEDED, *_UNDOING)),
    Load.UNDO_STARTED: frozenset((Load.SUCCEEDED,)),
    Load.UNDO_FINISHED: frozenset((Load.SUCCEEDED, *_UNDOING)),
    Load.UNDO_FAILED: frozenset((Load.SUCCEEDED,)),
}


def rebuild(memory: Memory, log: Iterable[LogEntry], allowed: Mapping[Load, frozenset[Load]] = ALLOWED_PARENTS) -> None:
    """Fill a new memory from a log.

    Raises:
        ValueError: the log is no legal sequence of events for some node, or two nodes do not fit each other; the text
            says which. Nothing has been built then.
        Inconsistent: an assertion failed.
    """
    dag, entries = memory.dag, tuple(log)
    statuses = load_statuses(entries, len(dag.nodes))
    _check_pairs(dag, statuses, allowed)
    outputs = _data(entries, Event.SUCCEEDED)
    unwinding = is_unwinding(statuses)
    memory.node_errors = _data(entries, Event.FAILED)
    memory.undo_errors = _data(entries, Event.UNDO_FAILED)
    memory.log_copy = statuses
    memory.phase = Phase.UNWINDING if unwinding else Phase.RUNNING
    for n in reversed(dag.topological) if unwinding else dag.topological:
        status = statuses[n]
        ready_to_undo = unwinding and memory.all_undone(dag.children[n])
        if status is Load.STARTED:
            memory.queue_todo[n] = None
        elif status is Load.NEVER_STARTED:
            if ready_to_undo:
                memory.nodes_undone[n] = Undone.NEVER_RAN
            elif not unwinding and all(p in memory.node_outputs for p in dag.parents[n]):
                memory.queue_todo[n] = None
        elif status is Load.FAILED:
            if ready_to_undo:
                memory.nodes_undone[n] = Undone.FAILED
        elif status is Load.UNDO_FINISHED:
            memory.nodes_undone[n] = Undone.UNDONE
        elif status in (Load.SUCCEEDED, Load.UNDO_STARTED):
            memory.node_outputs[n] = outputs[n]
            if status is Load.UNDO_STARTED or ready_to_undo:
                memory.queue_undo[n] = None
    _settle(memory)


def _data(entries: Iterable[LogEntry], event: Event) -> dict[int, str]:
    """Node -> what the log has beside this event of it."""
    return {entry.node: entry.data for entry in entries if entry.event is event}


def _check_pairs(dag: Dag, statuses: list[Load], allowed: Mapping[Load, frozenset[Load]]) -> None:
    for n, status in enumerate(statuses):
        for p in dag.parents[n]:
            if statuses[p] not in allowed[status]:
                raise ValueError(
                    f"its log says that {dag.labels[n]} is {status.value} and that {dag.labels[p]}, on which it "
                    f"depends, is {statuses[p].value}"
                )


def _settle(memory: Memory) -> None:
    """A rebuilt saga that is stuck or at its end is done."""
    for n in memory.undo_errors:
        memory.get_stuck(n, Assertion.RECOVERY_STUCK_AGAIN)
    if memory.dag.end in memory.node_outputs or memory.dag.start in memory.nodes_undone:
        if memory.stopping or memory.queue_todo or memory.queue_undo:
            raise Inconsistent(Assertion.RECOVERY_BAD_DONE)
        memory.phase = Phase.DONE
