"""Why the conforming design is right on every saga: axioms on sagas, an inductive invariant in parts, and lemmas.

The invariant holds in the initial state, every action preserves it, and every `always` property follows from it; that
is what `sagacheck prove` shows, for any number of nodes and crashes. It speaks of a node and its neighbours only: what
is true of all nodes because it is true along the edges is a lemma, proved by induction along them.
"""

from __future__ import annotations

from sagacheck.language import axiom, define, invariant, lemma
from sagaspec._properties import forgotten
from sagaspec._recovery import log_refused, log_unwinding, was_undone
from sagaspec._state import (
    END,
    START,
    Load,
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
    has_undo,
    is_action,
    may_fail,
    may_fail_undo,
    nodes,
    parents,
)

__all__ = ["AXIOMS", "INVARIANT", "LEMMAS"]

_UNDOING = (Load.UNDO_STARTED, Load.UNDO_FINISHED, Load.UNDO_FAILED)
_UNDONE = (Load.NEVER_STARTED, Load.FAILED, Load.UNDO_FINISHED)
_NEEDS_PARENTS = (Load.STARTED, Load.SUCCEEDED, Load.UNDO_STARTED, Load.UNDO_FAILED)


# Axioms: what is true of every saga ------------------------------------------------------------------------------


@axiom(because="`children` is `parents` read backwards: both are made from the same edges")
def Inverse(s: State, n: Node) -> bool:
    """A node is a child of each of its parents, and a parent of each of its children."""
    return all(n in children(p) for p in parents(n)) and all(n in parents(c) for c in children(n))


@axiom(because="a saga has one node without parents, the start (`Saga.build` refuses any other graph)")
def OneStart(s: State, n: Node) -> bool:
    """The start node has no parents; every other node has one."""
    starts: bool = n == START
    return starts == all(n not in children(p) for p in parents(n))


@axiom(because="a saga has one node without children, the end (`Saga.build` refuses any other graph)")
def OneEnd(s: State, n: Node) -> bool:
    """The end node has no children; every other node has one."""
    ends: bool = n == END
    return ends == all(n not in parents(c) for c in children(n))


@axiom(because="start and end bracket the actions: they do nothing, so they neither fail nor have an effect")
def OnlyActionsAct(s: State, n: Node) -> bool:
    """Only an action may fail or has an undo action, only an undo action may fail to undo; the ends are no actions."""
    acts = is_action(n) or not (may_fail(n) or has_undo(n))
    return acts and (has_undo(n) or not may_fail_undo(n)) and not is_action(START) and not is_action(END)


AXIOMS = (Inverse, OneStart, OneEnd, OnlyActionsAct)


# The invariant ---------------------------------------------------------------------------------------------------


@define
def up(s: State) -> bool:
    """There is a process."""
    return s.pc != Pc.DOWN


@define
def idle(s: State, n: Node) -> bool:
    """No worker of n is there."""
    return s.work[n] == Stage.NONE and s.undo_work[n] == Stage.NONE


@define
def clear(s: State, n: Node) -> bool:
    """Node n is neither queued nor worked on, and did not fail to be undone."""
    return not s.queue_todo[n] and not s.queue_undo[n] and not s.node_tasks[n] and not s.undo_errors[n]


@invariant
def NoAssertion(s: State) -> bool:
    """No assertion has failed."""
    return s.panic == Panic.NONE


@invariant
def Forgotten(s: State, n: Node) -> bool:
    """Without a process there is nothing in memory."""
    empty = s.phase == Phase.RUNNING and not s.stopping and s.memory_writer == Writer.NOBODY
    return up(s) or (forgotten(s, n) and empty)


@invariant
def Writers(s: State) -> bool:
    """Memory was last changed by the loop, the durable log by a worker."""
    written = any(s.log[n] != Load.NEVER_STARTED for n in nodes())
    return (not up(s) or s.memory_writer == Writer.LOOP) and (not written or s.log_writer == Writer.WORKER)


@invariant
def LogFits(s: State, n: Node) -> bool:
    """Recovery accepts what the durable log says of n and its parents."""
    return not log_refused(s, n)


@invariant
def LogHasCause(s: State) -> bool:
    """A log that unwinds holds the failure of an action."""
    return not log_unwinding(s) or any(s.log[n] == Load.FAILED for n in nodes())


@invariant
def EndsGoForward(s: State) -> bool:
    """The start node does not fail, and the end node is never undone."""
    return s.log[START] != Load.FAILED and s.log[END] in (Load.NEVER_STARTED, Load.STARTED, Load.SUCCEEDED)


@invariant
def ActionsFail(s: State, n: Node) -> bool:
    """Only the worker of an action, or of an undo action, has a failure to record."""
    failing = s.work[n] in (Stage.WRITE_FAIL, Stage.SENT_FAIL)
    return (not failing or may_fail(n)) and (s.undo_work[n] != Stage.WRITE_FAIL or may_fail_undo(n))


@invariant
def WorkFollowsLog(s: State, n: Node) -> bool:
    """What a worker is about fits what the durable log says of its node, and memory has recorded its start."""
    fits = (
        s.work[n] == Stage.NONE
        or (s.work[n] == Stage.WRITE_START and s.log[n] == Load.NEVER_STARTED)
        or (s.work[n] in (Stage.RUN, Stage.WRITE_OK, Stage.WRITE_FAIL) and s.log[n] == Load.STARTED)
        or (s.work[n] == Stage.SENT_OK and s.log[n] == Load.SUCCEEDED)
        or (s.work[n] == Stage.SENT_FAIL and s.log[n] == Load.FAILED)
    )
    waited_for = s.log_copy[n] == Load.STARTED and s.node_tasks[n] and s.undo_work[n] == Stage.NONE
    return fits and (s.work[n] == Stage.NONE or waited_for)


@invariant
def UndoWorkFollowsLog(s: State, n: Node) -> bool:
    """The same of the worker of an undo action."""
    fits = (
        s.undo_work[n] == Stage.NONE
        or (s.undo_work[n] == Stage.WRITE_START and s.log[n] == Load.SUCCEEDED)
        or (s.undo_work[n] in (Stage.RUN, Stage.WRITE_OK, Stage.WRITE_FAIL) and s.log[n] == Load.UNDO_STARTED)
        or (s.undo_work[n] == Stage.SENT_OK and s.log[n] == Load.UNDO_FINISHED)
        or (s.undo_work[n] == Stage.SENT_FAIL and s.log[n] == Load.UNDO_FAILED)
    )
    waited_for = s.log_copy[n] == Load.UNDO_STARTED and s.node_tasks[n] and s.work[n] == Stage.NONE
    return fits and (s.undo_work[n] == Stage.NONE or waited_for)


@invariant
def MemoryFollowsLog(s: State, n: Node) -> bool:
    """Where nobody works on n, memory says of it what the durable log says, and waits for no task of it."""
    return not up(s) or not idle(s, n) or (s.log_copy[n] == s.log[n] and not s.node_tasks[n])


@invariant
def MapsAgree(s: State, n: Node) -> bool:
    """The maps in memory say of n what the log copy says of it."""
    status, undone = s.log_copy[n], s.nodes_undone[n]
    output, error, undo_error = s.node_outputs[n], s.node_errors[n], s.undo_errors[n]
    bare = not s.queue_undo[n] and not undo_error and not output and not error
    never = status == Load.NEVER_STARTED and bare and (undone == Undone.NO or undone == Undone.NEVER_RAN)
    return not up(s) or (
        (never and not s.node_tasks[n] and (undone == Undone.NO or not s.queue_todo[n]))
        or (status == Load.STARTED and undone == Undone.NO and bare and s.queue_todo[n] != s.node_tasks[n])
        or (
            status == Load.SUCCEEDED
            and undone == Undone.NO
            and output
            and not error
            and not undo_error
            and not s.queue_todo[n]
            and not s.node_tasks[n]
        )
        or (status == Load.FAILED and undone in (Undone.NO, Undone.FAILED) and error and not output and clear(s, n))
        or (
            status == Load.UNDO_STARTED
            and undone == Undone.NO
            and output
            and not error
            and not undo_error
            and not s.queue_todo[n]
            and s.queue_undo[n] != s.node_tasks[n]
        )
        or (status == Load.UNDO_FINISHED and undone == Undone.UNDONE and not error and clear(s, n))
        or (
            status == Load.UNDO_FAILED
            and undone == Undone.NO
            and undo_error
            and not error
            and not s.queue_todo[n]
            and not s.queue_undo[n]
            and not s.node_tasks[n]
        )
    )


@invariant
def Effects(s: State, n: Node) -> bool:
    """The effect of n stands, or is gone, as its durable log says, or as its worker is about to say."""
    stands = s.log[n] in (Load.SUCCEEDED, Load.UNDO_FAILED) or s.work[n] == Stage.WRITE_OK
    gone = s.log[n] in _UNDONE or s.work[n] == Stage.WRITE_FAIL or s.undo_work[n] == Stage.WRITE_OK
    return (
        (not s.effect[n] or has_undo(n))
        and (not stands or not has_undo(n) or s.effect[n])
        and (not gone or not s.effect[n])
        and (s.undo_work[n] != Stage.WRITE_FAIL or s.effect[n])
    )


@invariant
def RunsCounted(s: State, n: Node) -> bool:
    """What has not begun since the last crash has not run; what has, has run once."""
    not_run = s.work[n] == Stage.WRITE_START or (
        s.work[n] == Stage.NONE and s.log[n] in (Load.NEVER_STARTED, Load.STARTED)
    )
    not_undone = s.undo_work[n] == Stage.WRITE_START or (
        s.undo_work[n] == Stage.NONE and s.log[n] not in (Load.UNDO_FINISHED, Load.UNDO_FAILED)
    )
    return s.runs[n] == (Runs.NO if not_run else Runs.ONCE) and s.undo_runs[n] == (Runs.NO if not_undone else Runs.ONCE)


@invariant
def ParentsFirst(s: State, n: Node) -> bool:
    """Of a node that is to run, runs or has succeeded, every parent has succeeded and is not being undone."""
    forward = s.queue_todo[n] or s.log_copy[n] in _NEEDS_PARENTS
    return not up(s) or not forward or all(s.log_copy[p] == Load.SUCCEEDED for p in parents(n))


@invariant
def ChildrenUndoneFirst(s: State, n: Node) -> bool:
    """Of a node that is to be undone, is being undone or counts as undone, every child counts as undone."""
    back = s.queue_undo[n] or s.nodes_undone[n] != Undone.NO or s.log_copy[n] in _UNDOING
    return not up(s) or not back or all(s.nodes_undone[c] != Undone.NO for c in children(n))


@invariant
def WalkComplete(s: State, n: Node) -> bool:
    """Unwinding, a node that never ran or failed, and all of whose children count as undone, does so too."""
    walked = up(s) and s.phase == Phase.UNWINDING and not s.stopping
    blocked = s.log_copy[n] in (Load.NEVER_STARTED, Load.FAILED) and not s.queue_todo[n]
    ready = all(s.nodes_undone[c] != Undone.NO for c in children(n))
    return not walked or not blocked or not ready or s.nodes_undone[n] != Undone.NO


@invariant
def Running(s: State, n: Node) -> bool:
    """While the saga runs forward nothing has failed, nothing is undone and nothing queued to be."""
    forward = s.log_copy[n] in (Load.NEVER_STARTED, Load.STARTED, Load.SUCCEEDED)
    return s.phase != Phase.RUNNING or (
        forward and s.nodes_undone[n] == Undone.NO and not s.queue_undo[n] and not s.stopping
    )


@invariant
def Cause(s: State) -> bool:
    """Memory of an unwinding holds the failure of an action."""
    unwinding = s.phase == Phase.UNWINDING or any(
        s.nodes_undone[n] != Undone.NO or s.log_copy[n] in _UNDOING for n in nodes()
    )
    return not unwinding or any(s.node_errors[n] for n in nodes())


@invariant
def Stopping(s: State) -> bool:
    """The saga stops when an undo action has failed, and is Done as soon as no task is left."""
    stopped = s.phase == Phase.DONE or any(s.node_tasks[n] for n in nodes())
    return s.stopping == any(s.undo_errors[n] for n in nodes()) and (not s.stopping or stopped)


@invariant
def Done(s: State) -> bool:
    """A saga that is Done has no task, and is stuck, has succeeded at its end or is undone at its start."""
    ended = s.stopping or s.log_copy[END] == Load.SUCCEEDED or s.nodes_undone[START] != Undone.NO
    return s.phase != Phase.DONE or (ended and not any(s.node_tasks[n] for n in nodes()))


@invariant
def LoopAgrees(s: State) -> bool:
    """The loop comes to rest if and only if the saga is Done."""
    resting = s.pc in (Pc.FINISH, Pc.WRITE_DONE, Pc.RESULT, Pc.REST)
    return (not resting or s.phase == Phase.DONE) and (s.pc not in (Pc.KICK_OFF, Pc.RECEIVE) or s.phase != Phase.DONE)


INVARIANT = (
    NoAssertion,
    Forgotten,
    Writers,
    LogFits,
    LogHasCause,
    EndsGoForward,
    ActionsFail,
    WorkFollowsLog,
    UndoWorkFollowsLog,
    MemoryFollowsLog,
    MapsAgree,
    Effects,
    RunsCounted,
    ParentsFirst,
    ChildrenUndoneFirst,
    WalkComplete,
    Running,
    Cause,
    Stopping,
    Done,
    LoopAgrees,
)


# Lemmas: what the edges carry to every node ----------------------------------------------------------------------


@lemma(induction=children)
def WasUndone(s: State, n: Node) -> bool:
    """What the log says never ran, failed or was undone, recovery counts as undone."""
    return s.log[n] not in _UNDONE or was_undone(s, n)


@lemma(induction=children)
def EndLast(s: State, n: Node) -> bool:
    """Once the end node has started, every other node has succeeded, says the durable log."""
    return s.log[END] == Load.NEVER_STARTED or n == END or s.log[n] == Load.SUCCEEDED


@lemma(induction=children)
def EndLastInMemory(s: State, n: Node) -> bool:
    """Once the end node is to run, every other node has succeeded, says memory."""
    waits = s.log_copy[END] == Load.NEVER_STARTED and not s.queue_todo[END]
    return not up(s) or waits or n == END or s.log_copy[n] == Load.SUCCEEDED


@lemma(induction=parents)
def StartFirst(s: State, n: Node) -> bool:
    """Before the start node has started, no other node has."""
    return s.log[START] != Load.NEVER_STARTED or s.log[n] == Load.NEVER_STARTED


@lemma(induction=parents)
def StartUndoneLast(s: State, n: Node) -> bool:
    """Once the start node was undone, every node was, says the durable log."""
    return s.log[START] not in _UNDONE or s.log[n] in _UNDONE


@lemma(induction=parents)
def StartUndoneLastInMemory(s: State, n: Node) -> bool:
    """Once the start node is being undone, every other node counts as undone, says memory."""
    back = s.queue_undo[START] or s.nodes_undone[START] != Undone.NO or s.log_copy[START] in _UNDOING
    return not up(s) or not back or n == START or s.nodes_undone[n] != Undone.NO


LEMMAS = (WasUndone, EndLast, EndLastInMemory, StartFirst, StartUndoneLast, StartUndoneLastInMemory)
