"""Memory: what `node_exec_state` reads from it, and what `propagate` does to it inside one critical section.

The rules of propagation are those of steno 0.4.1 (saga_exec.rs, `SagaNodeRest::propagate`), in our words. The walk over
parents is here in two forms. With `revisit=panic` it is the sequential one, newest edge first, depth first, each parent
tested after the recursion into the earlier ones; the tests are steps of their own, during which nothing else happens
(`_walk`). With `revisit=skip` its result does not depend on the order, and it is one update (`unwind_at_once`).
"""

from __future__ import annotations

import enum

from sagacheck.language import define, procedure
from sagaspec._state import (
    END,
    START,
    Load,
    Lock,
    Node,
    Panic,
    Pc,
    Phase,
    State,
    Undone,
    Writer,
    children,
    nodes,
    parents,
)

__all__ = [
    "ASSERTIONS",
    "BROKEN",
    "Event",
    "Shown",
    "after_propagation",
    "alive",
    "become_done",
    "done",
    "failed",
    "lock_free",
    "mark_undone",
    "node_exec_state",
    "panic_if",
    "panic_if_broken",
    "record",
    "remove_task",
    "undo_failed",
]


class Event(enum.Enum):
    """A log event: the load status it follows, and the one it makes."""

    STARTED = (Load.NEVER_STARTED, Load.STARTED)
    SUCCEEDED = (Load.STARTED, Load.SUCCEEDED)
    FAILED = (Load.STARTED, Load.FAILED)
    UNDO_STARTED = (Load.SUCCEEDED, Load.UNDO_STARTED)
    UNDO_FINISHED = (Load.UNDO_STARTED, Load.UNDO_FINISHED)
    UNDO_FAILED = (Load.UNDO_STARTED, Load.UNDO_FAILED)


class Shown(enum.Enum):
    """What node_exec_state says of a node; the last four are no states but failed assertions."""

    BLOCKED = "blocked"
    QUEUED_TO_RUN = "queued to run"
    TASK_IN_PROGRESS = "task in progress"
    DONE = "done"
    FAILED = "failed"
    QUEUED_TO_UNDO = "queued to undo"
    UNDO_IN_PROGRESS = "undo in progress"
    UNDONE_NEVER_RAN = "undone, never ran"
    UNDONE_FAILED = "undone, failed"
    UNDONE = "undone"
    UNDO_FAILED = "undo failed"
    NO_NODE_ERROR = "assertion: Failed without a node error"
    NO_UNDO_ERROR = "assertion: UndoFailed without an undo error"
    TWO_STATES = "assertion: two states"
    UNDETERMINED = "assertion: no state"


ASSERTIONS = {
    Shown.NO_NODE_ERROR: Panic.NODE_ERROR,
    Shown.NO_UNDO_ERROR: Panic.UNDO_ERROR,
    Shown.TWO_STATES: Panic.TWO_STATES,
    Shown.UNDETERMINED: Panic.UNDETERMINED,
}
BROKEN = tuple(ASSERTIONS)


@define
def alive(s: State) -> bool:
    """The process runs: it is there, no assertion has failed, and the loop is not in the middle of a walk.

    During a walk the loop holds the lock and touches nothing that a step without the lock could touch, so nothing is
    lost by letting the walk run to its end first.
    """
    return s.pc not in (Pc.DOWN, Pc.REFUSED, Pc.WALK, Pc.WALK_FIRST) and s.panic == Panic.NONE


@define
def lock_free(s: State) -> bool:
    """Nobody holds the lock on memory (where the design lets anybody hold it from one step to the next)."""
    return s.lock == Lock.FREE if s.design.has_lock else True


@procedure
def panic_if(s: State, wrong: bool, assertion: Panic) -> None:
    """The assertion fails if `wrong`; the first one that fails is the one that is reported."""
    if s.panic == Panic.NONE and wrong:
        s.panic = assertion


@procedure
def record(s: State, n: Node, event: Event, writer: Writer) -> None:
    """The event of n is recorded in the log copy."""
    before, after = event.value
    panic_if(s, s.log_copy[n] != before, Panic.BAD_EVENT)
    s.log_copy[n] = after
    s.memory_writer = writer


@define
def recorded_state(s: State, n: Node) -> Shown:
    """The state of n, but for the queue of nodes to run; UNDETERMINED where no map has it."""
    if s.nodes_undone[n] == Undone.NEVER_RAN:
        return Shown.UNDONE_NEVER_RAN
    if s.nodes_undone[n] == Undone.FAILED:
        return Shown.UNDONE_FAILED
    if s.nodes_undone[n] == Undone.UNDONE:
        return Shown.UNDONE
    if s.queue_undo[n]:
        return Shown.QUEUED_TO_UNDO
    if s.log_copy[n] == Load.FAILED:
        return Shown.NO_NODE_ERROR if s.design.assertions and not s.node_errors[n] else Shown.FAILED
    if s.log_copy[n] == Load.UNDO_FAILED:
        return Shown.NO_UNDO_ERROR if s.design.assertions and not s.undo_errors[n] else Shown.UNDO_FAILED
    if s.node_outputs[n]:
        return Shown.UNDO_IN_PROGRESS if s.node_tasks[n] else Shown.DONE
    if s.node_tasks[n]:
        return Shown.TASK_IN_PROGRESS
    return Shown.UNDETERMINED


@define
def node_exec_state(s: State, n: Node) -> Shown:
    """The state of n as `status` reports it and the walk asks for it: exactly one state, or an assertion that fails."""
    if s.queue_todo[n]:
        return Shown.QUEUED_TO_RUN if recorded_state(s, n) == Shown.UNDETERMINED else Shown.TWO_STATES
    if recorded_state(s, n) == Shown.UNDETERMINED and s.log_copy[n] == Load.NEVER_STARTED:
        return Shown.BLOCKED
    return recorded_state(s, n)


@procedure
def panic_if_broken(s: State, shown: Shown) -> None:
    """Asking for this state of a node fails one of node_exec_state's assertions."""
    for broken in BROKEN:
        panic_if(s, shown == broken, ASSERTIONS[broken])


# What a completion does ----------------------------------------------------------------------------------------------


@procedure
def remove_task(s: State, n: Node) -> None:
    """The loop no longer waits for the task of n; a stopping saga whose last task this was is Done."""
    s.node_tasks[n] = False
    if s.stopping and not any(s.node_tasks[m] for m in nodes()):
        s.phase = Phase.DONE


@procedure
def become_done(s: State) -> None:
    """The end node has succeeded or the start node is undone: the saga is Done."""
    panic_if(s, s.stopping or s.phase == Phase.DONE, Panic.BAD_DONE)
    panic_if(s, any(s.queue_todo[m] or s.queue_undo[m] for m in nodes()), Panic.BAD_DONE)
    s.phase = Phase.DONE


@procedure
def done(s: State, n: Node) -> None:
    """Done(n): the action of n succeeded."""
    panic_if(s, s.node_errors[n] or s.node_outputs[n], Panic.FINISHED_TWICE)
    s.node_outputs[n] = True
    if n == END:
        panic_if(s, s.phase != Phase.RUNNING or not all(s.node_outputs[m] for m in nodes()), Panic.BAD_DONE)
        become_done(s)
    if (
        n != END
        and not s.stopping
        and s.phase == Phase.UNWINDING
        and all(s.nodes_undone[c] != Undone.NO for c in children(n))
    ):
        s.queue_undo[n] = True
    for c in children(n):
        if not s.stopping and s.phase == Phase.RUNNING and all(s.node_outputs[p] for p in parents(c)):
            s.queue_todo[c] = True


@procedure
def failed(s: State, n: Node) -> None:
    """Failed(n): the action of n failed; the first failure begins the unwinding at the end node."""
    panic_if(s, s.node_errors[n] or s.node_outputs[n], Panic.FINISHED_TWICE)
    s.node_errors[n] = True
    begins = s.phase == Phase.RUNNING
    children_undone = all(s.nodes_undone[c] != Undone.NO for c in children(n))
    if not s.stopping and begins:
        s.phase = Phase.UNWINDING
        mark_undone(s, END, Undone.NEVER_RAN, True)
    elif not s.stopping and children_undone:
        mark_undone(s, n, Undone.FAILED, False)
    else:
        after_propagation(s, False)


@procedure
def mark_undone(s: State, n: Node, how: Undone, begins: bool) -> None:
    """Undone(n, how), and the walk over the parents that this makes ready to be undone.

    `begins` says whether this begins the unwinding, after which the cached state is written.
    """
    panic_if(s, s.nodes_undone[n] != Undone.NO, Panic.UNDONE_TWICE)
    if s.design.revisit_panics:
        s.nodes_undone[n] = how
        if n == START:
            become_done(s)
            after_propagation(s, False)
        elif s.stopping:
            after_propagation(s, False)
        else:
            s.untested[n] = parents.first(n)
            s.pc = Pc.WALK_FIRST if begins else Pc.WALK
            if s.design.has_lock:
                s.lock = Lock.LOOP
    else:
        if not s.stopping:
            unwind_at_once(s, n)
        s.nodes_undone[n] = how
        if n == START or (not s.stopping and settled(s, START, n)):
            become_done(s)
        if s.design.split and begins:
            s.lock = Lock.LOOP  # the cached state is written in the same critical section
        after_propagation(s, begins)


@define
def settled(s: State, n: Node, root: Node) -> bool:
    """Marking `root` undone makes n undone, or it is already: it never ran or failed, and so is every child."""
    if n == root or s.nodes_undone[n] != Undone.NO:
        return True
    return node_exec_state(s, n) in (Shown.BLOCKED, Shown.FAILED) and all(settled(s, c, root) for c in children(n))


@define
def reached(s: State, n: Node, root: Node) -> bool:
    """Marking `root` undone takes the walk to n with all its children undone."""
    return (
        n != root
        and s.nodes_undone[n] == Undone.NO
        and all(settled(s, c, root) for c in children(n))
        and any(c == root or s.nodes_undone[c] == Undone.NO for c in children(n))
    )


@procedure
def unwind_at_once(s: State, root: Node) -> None:
    """The walk from `root`: what never ran or failed counts as undone, what is done is queued to be undone."""
    for shown in (*ASSERTIONS, Shown.UNDO_IN_PROGRESS, Shown.UNDO_FAILED):
        assertion = ASSERTIONS.get(shown, Panic.REVISITED)
        panic_if(s, any(reached(s, m, root) and node_exec_state(s, m) == shown for m in nodes()), assertion)
    for m in nodes():
        never_ran = reached(s, m, root) and node_exec_state(s, m) == Shown.BLOCKED
        has_failed = reached(s, m, root) and node_exec_state(s, m) == Shown.FAILED
        has_run = reached(s, m, root) and node_exec_state(s, m) == Shown.DONE
        if never_ran:
            s.nodes_undone[m] = Undone.NEVER_RAN
        elif has_failed:
            s.nodes_undone[m] = Undone.FAILED
        if has_run:
            s.queue_undo[m] = True


@procedure
def undo_failed(s: State, n: Node) -> None:
    """UndoFailed(n): the saga is stuck; tasks in flight are awaited, nothing new is started."""
    panic_if(s, s.undo_errors[n], Panic.FINISHED_TWICE)
    if s.design.stuck_once:
        panic_if(s, s.phase != Phase.UNWINDING, Panic.STUCK_AGAIN)
    else:
        panic_if(s, s.phase == Phase.RUNNING or (s.phase == Phase.DONE and not s.stopping), Panic.STUCK_AGAIN)
    s.undo_errors[n] = True
    s.stopping = True
    if not any(s.node_tasks[m] for m in nodes()):
        s.phase = Phase.DONE
    after_propagation(s, False)


@procedure
def after_propagation(s: State, begins: bool) -> None:
    """Where the loop goes from here: write the cached state, come to rest, or start what is queued."""
    if begins:
        s.pc = Pc.WRITE_UNWINDING
    elif s.phase == Phase.DONE:
        s.pc = Pc.FINISH
    else:
        s.pc = Pc.KICK_OFF
