"""Crash, recovery and the observer: what comes from outside the executor, and how memory is built from the log alone.

A new saga is the recovery of an empty log. Recovery is one step: it reads the log and nothing else, so what happens
meanwhile cannot matter. It goes over the nodes in topological order, in reverse when the log is unwinding; here each
map is defined by what that order makes of it, with one definition that recurses along the children (`was_undone`).
Where a log is both refused and would fail an assertion, it is refused.
"""

from __future__ import annotations

from sagacheck.language import action, define, procedure, require
from sagaspec._memory import ASSERTIONS, alive, lock_free, node_exec_state, panic_if
from sagaspec._state import (
    END,
    START,
    Load,
    Lock,
    Node,
    Panic,
    Pc,
    Phase,
    Runs,
    Stage,
    State,
    Undone,
    Writer,
    children,
    nodes,
    parents,
)

__all__ = ["ENVIRONMENT", "RECOVERY", "log_refused", "rebuild"]

_UNWINDING = (Load.FAILED, Load.UNDO_STARTED, Load.UNDO_FINISHED, Load.UNDO_FAILED)
_UNDOING = (Load.UNDO_STARTED, Load.UNDO_FINISHED, Load.UNDO_FAILED)


@define
def log_unwinding(s: State) -> bool:
    """The durable log holds an event of the unwinding."""
    return any(s.log[n] in _UNWINDING for n in nodes())


@define
def log_refused(s: State, n: Node) -> bool:
    """Recovery refuses the log at n: no legal sequence, or a status that does not fit that of a parent."""
    if s.log[n] == Load.ILLEGAL:
        return True
    if s.log[n] in (Load.STARTED, Load.SUCCEEDED, Load.UNDO_STARTED, Load.UNDO_FAILED):
        return any(s.log[p] != Load.SUCCEEDED for p in parents(n))
    if s.log[n] in (Load.FAILED, Load.UNDO_FINISHED):
        return any(s.log[p] not in (Load.SUCCEEDED, *_UNDOING) for p in parents(n))
    return s.design.strict and any(s.log[p] in _UNDOING for p in parents(n))


@define
def was_undone(s: State, n: Node) -> bool:
    """In an unwinding log, n counts as undone: it was, or it never ran or failed and all its children were undone."""
    if s.log[n] == Load.UNDO_FINISHED:
        return True
    return s.log[n] in (Load.NEVER_STARTED, Load.FAILED) and all(was_undone(s, c) for c in children(n))


@procedure
def rebuild(s: State) -> None:
    """Memory is built from the durable log; everything in it is empty before."""
    unwinding = log_unwinding(s)
    refused = any(log_refused(s, n) for n in nodes())
    stuck = any(s.log[n] == Load.UNDO_FAILED for n in nodes())
    if refused:
        s.pc = Pc.REFUSED
    else:
        for n in nodes():
            status = s.log[n]
            has_output = status in (Load.SUCCEEDED, Load.UNDO_STARTED)
            ready_to_run = all(s.log[p] == Load.SUCCEEDED for p in parents(n))
            ready_to_undo = all(was_undone(s, c) for c in children(n))
            s.log_copy[n] = status
            s.node_outputs[n] = has_output
            s.node_errors[n] = status == Load.FAILED
            s.undo_errors[n] = status == Load.UNDO_FAILED
            s.queue_todo[n] = status == Load.STARTED or (
                status == Load.NEVER_STARTED and not unwinding and ready_to_run
            )
            s.queue_undo[n] = status == Load.UNDO_STARTED or (status == Load.SUCCEEDED and unwinding and ready_to_undo)
            if status == Load.UNDO_FINISHED:
                s.nodes_undone[n] = Undone.UNDONE
            elif status == Load.NEVER_STARTED and unwinding and ready_to_undo:
                s.nodes_undone[n] = Undone.NEVER_RAN
            elif status == Load.FAILED and ready_to_undo:
                s.nodes_undone[n] = Undone.FAILED
        s.memory_writer = Writer.LOOP
        s.stopping = stuck
        finished = s.log[END] == Load.SUCCEEDED or (unwinding and was_undone(s, START))
        queued = any(s.queue_todo[n] or s.queue_undo[n] for n in nodes())
        panic_if(s, finished and (stuck or queued), Panic.RECOVERY_BAD_DONE)
        if s.design.stuck_once:
            several = any(
                s.log[m] == Load.UNDO_FAILED and s.log[n] == Load.UNDO_FAILED
                for n in nodes()
                for m in nodes()
                if m != n
            )
            panic_if(s, several, Panic.RECOVERY_STUCK_AGAIN)
        if stuck or finished:
            s.phase = Phase.DONE
            s.pc = Pc.WRITE_DONE
            if s.design.split:
                s.lock = Lock.LOOP
        else:
            s.phase = Phase.UNWINDING if unwinding else Phase.RUNNING
            s.pc = Pc.KICK_OFF


@action("recovery")
def recover(s: State) -> None:
    """A new process reads the durable log and rebuilds memory from it."""
    require(s.pc == Pc.DOWN)
    rebuild(s)


@action("crash", finitely=True)
def crash(s: State) -> None:
    """The process dies: everything but the durable log is gone.

    A durable write that is pending may have taken effect before (the store's step) or never will. A panic leaves this
    step only. The history of runs forgets those whose completion is not durable.
    """
    require(s.pc not in (Pc.DOWN, Pc.REFUSED, Pc.WALK, Pc.WALK_FIRST) or s.panic != Panic.NONE)
    if s.most_crashes >= 0:
        require(s.crashes < s.most_crashes)
        s.crashes = s.crashes + 1
    for n in nodes():
        s.log_copy[n] = Load.NEVER_STARTED
        s.queue_todo[n] = False
        s.queue_undo[n] = False
        s.node_tasks[n] = False
        s.node_outputs[n] = False
        s.node_errors[n] = False
        s.nodes_undone[n] = Undone.NO
        s.undo_errors[n] = False
        s.work[n] = Stage.NONE
        s.undo_work[n] = Stage.NONE
        s.runs[n] = Runs.ONCE if s.log[n] not in (Load.NEVER_STARTED, Load.STARTED) else Runs.NO
        s.undo_runs[n] = Runs.ONCE if s.log[n] in (Load.UNDO_FINISHED, Load.UNDO_FAILED) else Runs.NO
        if s.design.revisit_panics:
            s.untested[n] = None
    s.pc = Pc.DOWN
    s.phase = Phase.RUNNING
    s.stopping = False
    s.panic = Panic.NONE
    s.memory_writer = Writer.NOBODY
    if s.design.has_lock:
        s.lock = Lock.FREE


@action("observer", finitely=True)
def ask_status(s: State) -> None:
    """An observer asks for the state of every node.

    Where somebody may insist that the lock is free, the observer is seen to hold it; elsewhere its holding the lock
    only makes others wait, and the query is this one step. A fair lock lets others in between two queries, so none is
    asked for ever.
    """
    require(alive(s) and lock_free(s))
    for shown in ASSERTIONS:
        panic_if(s, any(node_exec_state(s, n) == shown for n in nodes()), ASSERTIONS[shown])
    if s.design.try_lock:
        s.lock = Lock.OBSERVER


@action("observer", given=lambda p: p.design.try_lock)
def end_status(s: State) -> None:
    """The observer has its answer and lets go of the lock."""
    require(alive(s))
    require(s.lock == Lock.OBSERVER)
    s.lock = Lock.FREE


RECOVERY = (recover,)
ENVIRONMENT = (ask_status, end_status, crash)
