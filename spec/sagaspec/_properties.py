"""What must always hold of a saga executor; each property a named definition with its reason and its source.

The sources are steno issue #17 and pull requests #460, #461, #462, omicron #8580 and #10531, and the paper on sagas
(H. Garcia-Molina and K. Salem, Sagas, SIGMOD 1987). "Memory" is looked at only while there is a process and no
assertion has failed in it; "whenever the lock is free" is whenever a status query could look.
"""

from __future__ import annotations

from sagacheck.language import always, define
from sagaspec._memory import BROKEN, Shown, alive, lock_free, node_exec_state
from sagaspec._recovery import log_refused
from sagaspec._state import (
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
    has_undo,
    nodes,
    parents,
)

__all__ = ["PROPERTIES", "at_rest", "visible", "writing"]

_COMPLETED = (Load.SUCCEEDED, Load.FAILED, Load.UNDO_STARTED, Load.UNDO_FINISHED, Load.UNDO_FAILED)
_UNDO_BEGUN = (Load.UNDO_STARTED, Load.UNDO_FINISHED, Load.UNDO_FAILED)
_UNDO_COMPLETED = (Load.UNDO_FINISHED, Load.UNDO_FAILED)
_MAY_TAKE_EFFECT = (Stage.RECORD_START, Stage.WRITE_START, Stage.LEARN_START, Stage.RUN)
_WRITING = (Stage.WRITE_START, Stage.START_OK, Stage.START_FAIL, Stage.WRITE_OK, Stage.WRITE_FAIL)
_RAN = (
    Stage.RUN,
    Stage.RECORD_OK,
    Stage.RECORD_FAIL,
    Stage.START_OK,
    Stage.START_FAIL,
    Stage.WRITE_OK,
    Stage.WRITE_FAIL,
    Stage.LEARN_OK,
    Stage.LEARN_FAIL,
    Stage.SENT_OK,
    Stage.SENT_FAIL,
    Stage.TAKEN_OK,
    Stage.TAKEN_FAIL,
)


@define
def at_rest(s: State) -> bool:
    """The loop rests and no worker is left."""
    return s.pc == Pc.REST and all(s.work[n] == Stage.NONE and s.undo_work[n] == Stage.NONE for n in nodes())


@define
def visible(s: State) -> bool:
    """A status query could look at memory now."""
    return alive(s) and lock_free(s)


@define
def writing(s: State, n: Node) -> bool:
    """A durable write of a worker of n is pending."""
    return s.work[n] in _WRITING or s.undo_work[n] in _WRITING


# Always ----------------------------------------------------------------------------------------------------------


@always(
    because="an observer who reads the log must not know more of a saga than its executor does",
    source="steno #461: start events in memory first",
    wrong="the durable log has a start of {n} that memory has not: the log says {log}, memory says {log_copy}",
)
def StartMemoryFirst(s: State, n: Node) -> bool:
    """A node with `started` (`undo_started`) in the durable log is at least that far in memory."""
    undo_known = s.log[n] not in _UNDO_BEGUN or s.log_copy[n] in _UNDO_BEGUN
    return not alive(s) or ((s.log[n] == Load.NEVER_STARTED or s.log_copy[n] != Load.NEVER_STARTED) and undo_known)


@always(
    because="a dependent must never become runnable on a completion that a crash could take back",
    source="steno #461: completion events durably first; LangGraph #8039",
    wrong="memory shows a completion of {n} that is not durable: memory says {log_copy}, the log says {log}",
)
def CompletionDurableFirst(s: State, n: Node) -> bool:
    """A completion that can be seen in memory is in the durable log."""
    done = s.log_copy[n] not in _COMPLETED or s.log[n] in _COMPLETED
    undone = s.log_copy[n] not in _UNDO_COMPLETED or s.log[n] in _UNDO_COMPLETED
    return not visible(s) or (done and undone)


@always(
    because="a node whose action may have run must never look, after a crash, as if it had not started",
    source="steno #461; write-ahead logging",
    wrong="the action or undo action of {n} runs or has run, but its start is not durable: the log says {log}",
)
def WriteAheadIntent(s: State, n: Node) -> bool:
    """While an action (undo action) runs, or has run, its start event is durable."""
    action = s.work[n] not in _RAN or s.log[n] != Load.NEVER_STARTED
    undo = s.undo_work[n] not in _RAN or s.log[n] in _UNDO_BEGUN
    return action and undo


@always(
    because="status, and the unwinding itself, decide by what memory says of a node",
    source="steno #17 (panic in node_exec_state), omicron #8580",
    wrong="memory is torn at {n}: its in-memory log says {log_copy}, but the maps do not agree",
)
def NoTornState(s: State, n: Node) -> bool:
    """Whenever the lock is free, every node has one state, and without a live task the one that its log copy says."""
    shown = node_exec_state(s, n)
    agrees = (
        (s.log_copy[n] == Load.NEVER_STARTED and shown in (Shown.BLOCKED, Shown.QUEUED_TO_RUN, Shown.UNDONE_NEVER_RAN))
        or (s.log_copy[n] == Load.STARTED and shown == Shown.QUEUED_TO_RUN)
        or (s.log_copy[n] == Load.SUCCEEDED and shown in (Shown.DONE, Shown.QUEUED_TO_UNDO))
        or (s.log_copy[n] == Load.FAILED and shown in (Shown.FAILED, Shown.UNDONE_FAILED))
        or (s.log_copy[n] == Load.UNDO_STARTED and shown == Shown.QUEUED_TO_UNDO)
        or (s.log_copy[n] == Load.UNDO_FINISHED and shown == Shown.UNDONE)
        or (s.log_copy[n] == Load.UNDO_FAILED and shown == Shown.UNDO_FAILED)
    )
    return not visible(s) or (shown not in BROKEN and (s.node_tasks[n] or agrees))


@always(
    because="a panic in the executor takes every saga of the process with it",
    source="steno #17, omicron #8580",
    wrong="an assertion of the executor fails. {panic}",
)
def NoPanic(s: State) -> bool:
    """No assertion of the executor fails, in execution, in status or in recovery."""
    return s.panic == Panic.NONE


@always(
    because="two writers of one state need a critical section that spans both, and there is none",
    source="steno #461",
    wrong="a state has a second writer: memory was last changed by {memory_writer}, the durable log by {log_writer}",
)
def SingleWriter(s: State) -> bool:
    """Memory is changed by the loop only, the durable log by workers only."""
    written = any(s.log[n] != Load.NEVER_STARTED for n in nodes())
    return (not alive(s) or s.memory_writer == Writer.LOOP) and (not written or s.log_writer == Writer.WORKER)


@always(
    because="an action uses the outputs of its parents, also in the next process after a crash",
    source="Sagas, 1987; steno's documentation of the DAG",
    wrong="the action of {n} runs although a parent has not durably succeeded",
)
def DependencyOrder(s: State, n: Node) -> bool:
    """An action runs only when all parents have durably succeeded."""
    return s.work[n] != Stage.RUN or all(s.log[p] == Load.SUCCEEDED for p in parents(n))


@always(
    because="a child's effect may rest on its parent's",
    source="Sagas, 1987: compensation in reverse order",
    wrong="{n} is being undone although a child's action can still take effect, or its effect stands",
)
def UndoOrder(s: State, n: Node) -> bool:
    """An undo action runs only when no child's action can still take effect or stands."""
    return s.undo_work[n] != Stage.RUN or all(
        not s.effect[c] and not s.queue_todo[c] and s.work[c] not in _MAY_TAKE_EFFECT for c in children(n)
    )


@always(
    because="an action is idempotent at best, and only against its own interrupted run",
    source="the contract of actions of steno (README: idempotence)",
    wrong="the action of {n} has run {runs} and its undo action {undo_runs}, a run that was durable counted",
)
def AtMostOnce(s: State, n: Node) -> bool:
    """Between two crashes nothing runs twice for a node; after one, only what was not durably complete runs again."""
    return s.runs[n] != Runs.TWICE and s.undo_runs[n] != Runs.TWICE


@always(
    because="recovery replays the log, and replays only legal sequences",
    source="steno saga_log.rs",
    wrong="the events of {n} in the durable log are no prefix of a legal sequence",
)
def LegalLog(s: State, n: Node) -> bool:
    """The durable log of every node is a prefix of a legal sequence."""
    return s.log[n] != Load.ILLEGAL


@always(
    because="a saga that cannot be recovered is lost, with its effects standing",
    source="omicron #10531, steno #462",
    wrong="the saga is lost: recovery refuses its log, or fails an assertion, at {n}, whose log says {log}",
)
def Recoverable(s: State, n: Node) -> bool:
    """From every reachable durable log recovery is neither refused nor panics."""
    refused = s.pc == Pc.REFUSED and log_refused(s, n)
    stuck_again = s.panic == Panic.RECOVERY_STUCK_AGAIN and s.log[n] == Load.UNDO_FAILED
    return not refused and not stuck_again and not (s.panic == Panic.RECOVERY_BAD_DONE and n == START)


@always(
    because="while the database hangs, the state of a saga is what people want to see",
    source="steno saga_exec.rs, TODO-liveness; steno #461",
    wrong="the lock is held by {lock} while a durable write is pending, so a status query hangs with it",
)
def StatusAvailable(s: State) -> bool:
    """No lock is held while a durable write is pending."""
    return not s.design.has_lock or (
        s.lock != Lock.WORKER and (s.lock != Lock.LOOP or s.pc not in (Pc.WRITE_UNWINDING, Pc.WRITE_DONE))
    )


@always(
    because="it is what a saga is for",
    source="Sagas, 1987; steno's documentation",
    wrong="the saga rests, but not every node has succeeded, an effect stands, and no undo failure is recorded",
)
def Atomicity(s: State) -> bool:
    """At rest every node has succeeded, or no effect stands, or the saga is stuck, with its undo failure recorded."""
    succeeded = all(s.log[n] == Load.SUCCEEDED for n in nodes())
    undone = all(not s.effect[n] for n in nodes())
    stuck = any(s.log[n] == Load.UNDO_FAILED for n in nodes())
    return not at_rest(s) or succeeded or undone or stuck


@always(
    because="recovery, and whoever reads the log, decides by it what was done to the world",
    source="the contract of actions of steno",
    wrong="the log says of {n} that it {log}, which is not true of its effect (standing: {effect})",
)
def EffectsFollowLog(s: State, n: Node) -> bool:
    """What the durable log says of an action is true of its effect; in between the two, either may be."""
    stands = has_undo(n) and s.log[n] in (Load.SUCCEEDED, Load.UNDO_FAILED)
    gone = s.log[n] in (Load.NEVER_STARTED, Load.UNDO_FINISHED) or (s.contract and s.log[n] == Load.FAILED)
    return (not stands or s.effect[n]) and (not (gone or not has_undo(n)) or not s.effect[n])


@always(
    because="exec_state is what a client of the saga is told",
    source="steno saga_exec.rs (exec_state, stopping)",
    wrong="exec_state is {phase} and stopping is {stopping}, which does not fit the loop ({pc}) or the undo errors",
)
def DirectionAgrees(s: State) -> bool:
    """A loop that comes to rest does so for a saga that is Done, and stops if and only if an undo action failed."""
    resting = s.pc in (Pc.FINISH, Pc.WRITE_DONE, Pc.RESULT, Pc.REST)
    stops = s.stopping == any(s.undo_errors[n] for n in nodes())
    return not alive(s) or (stops and (not resting or s.phase == Phase.DONE))


@define
def forgotten(s: State, n: Node) -> bool:
    """Nothing of n is in memory, and nobody works on it."""
    queued = s.queue_todo[n] or s.queue_undo[n] or s.node_tasks[n]
    kept = s.node_outputs[n] or s.node_errors[n] or s.undo_errors[n] or s.nodes_undone[n] != Undone.NO
    working = s.work[n] != Stage.NONE or s.undo_work[n] != Stage.NONE
    return not queued and not kept and not working and s.log_copy[n] == Load.NEVER_STARTED


@always(
    because="a second worker or an uncounted run would be lost in the model, and must not pass unseen",
    source="this model",
    wrong="the model's own bookkeeping is wrong at {n}",
)
def Bookkeeping(s: State, n: Node) -> bool:
    """A queued node has no worker of that kind, every run is counted, and without a process memory is empty."""
    one_worker = (not s.queue_todo[n] or s.work[n] == Stage.NONE) and (
        not s.queue_undo[n] or s.undo_work[n] == Stage.NONE
    )
    counted = (s.work[n] not in _RAN or s.runs[n] != Runs.NO) and (
        s.undo_work[n] not in _RAN or s.undo_runs[n] != Runs.NO
    )
    empty = forgotten(s, n) and s.phase == Phase.RUNNING and not s.stopping and s.memory_writer == Writer.NOBODY
    return one_worker and counted and (s.pc != Pc.DOWN or empty)


PROPERTIES = (
    StartMemoryFirst,
    CompletionDurableFirst,
    WriteAheadIntent,
    NoTornState,
    NoPanic,
    SingleWriter,
    DependencyOrder,
    UndoOrder,
    AtMostOnce,
    LegalLog,
    Recoverable,
    StatusAvailable,
    Atomicity,
    EffectsFollowLog,
    DirectionAgrees,
    Bookkeeping,
)
