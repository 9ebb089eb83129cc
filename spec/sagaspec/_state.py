"""The state of a saga executor: what is in memory, what is in the durable log, where the workers and the loop are.

Grouped by owner. Memory is the loop's (and in `writer=split` also the workers'); the durable log is the store's; the
world is what actions do to it; history is kept for the properties alone and no step depends on it.
"""

from __future__ import annotations

import enum

from sagacheck.language import (
    OPTIONAL_ELEMENT,
    Element,
    PerElement,
    StateBase,
    element,
    elements,
    per_element,
    predicate,
    relation,
    scalar,
)
from sagaspec._design import Choices

__all__ = [
    "DURABLE",
    "END",
    "GROUPS",
    "HISTORY",
    "MEMORY",
    "MOST_CRASHES",
    "START",
    "WORKERS",
    "WORLD",
    "Load",
    "Lock",
    "Node",
    "Panic",
    "Pc",
    "Phase",
    "Runs",
    "Stage",
    "State",
    "Undone",
    "Writer",
    "ancestors",
    "children",
    "has_undo",
    "is_action",
    "may_fail",
    "may_fail_undo",
    "nodes",
    "parents",
]

Node = Element
nodes = elements
parents = relation("parents")  # newest edge first, the order of the walk
children = relation("children")
ancestors = relation("ancestors")
is_action = predicate("is_action")
has_undo = predicate("has_undo")  # an action with an undo action; only these have an effect that can stand
may_fail = predicate("may_fail")
may_fail_undo = predicate("may_fail_undo")
START = element("start")
END = element("end")

MOST_CRASHES = 255  # that can be counted
MEMORY, DURABLE, WORKERS, WORLD, HISTORY = "memory", "durable log", "workers", "world", "history"
GROUPS = (MEMORY, DURABLE, WORKERS, WORLD, HISTORY)


class Load(enum.Enum):
    """The load status of a node: what its log events say."""

    NEVER_STARTED = "never started"
    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNDO_STARTED = "undo started"
    UNDO_FINISHED = "undo finished"
    UNDO_FAILED = "undo failed"
    ILLEGAL = "not a legal sequence of events"


class Stage(enum.Enum):
    """Where a worker is; an OK or FAIL says how the action (or undo action) ended."""

    NONE = "no worker"
    RECORD_START = "about to record the start"
    WRITE_START = "durable write of the start pending"
    LEARN_START = "start durable; memory has not learned of it"
    RUN = "running"
    RECORD_OK = "about to record success"
    RECORD_FAIL = "about to record failure"
    START_OK = "succeeded; durable write of the start pending"
    START_FAIL = "failed; durable write of the start pending"
    WRITE_OK = "durable write of success pending"
    WRITE_FAIL = "durable write of failure pending"
    LEARN_OK = "success durable; memory has not learned of it"
    LEARN_FAIL = "failure durable; memory has not learned of it"
    SENT_OK = "success reported to the loop"
    SENT_FAIL = "failure reported to the loop"
    TAKEN_OK = "report of success in the loop's hands"
    TAKEN_FAIL = "report of failure in the loop's hands"


class Pc(enum.Enum):
    """Where the loop is."""

    DOWN = "no process"
    REFUSED = "recovery refused the saga"
    KICK_OFF = "about to start what is queued"
    RECEIVE = "waiting for a message"
    JOIN = "waiting for the worker's task to end"
    PROPAGATE = "about to propagate a completion"
    WALK = "walking over parents"
    WALK_FIRST = "walking over parents, at the start of the unwinding"
    WRITE_UNWINDING = "durable write of the cached state Unwinding pending"
    FINISH = "about to come to rest"
    WRITE_DONE = "durable write of the cached state Done pending"
    RESULT = "about to read the result"
    REST = "at rest"


class Phase(enum.Enum):
    """exec_state: the direction of the saga."""

    RUNNING = "running"
    UNWINDING = "unwinding"
    DONE = "done"


class Undone(enum.Enum):
    """nodes_undone: whether and how a node counts as undone."""

    NO = "no"
    NEVER_RAN = "never ran"
    FAILED = "its action failed"
    UNDONE = "its undo action ran"


class Lock(enum.Enum):
    """Who holds the lock on memory from one step to the next."""

    FREE = "nobody"
    LOOP = "the loop"
    WORKER = "a worker"
    OBSERVER = "an observer"


class Writer(enum.Enum):
    """Who wrote last."""

    NOBODY = "nobody"
    LOOP = "the loop"
    WORKER = "a worker"


class Runs(enum.Enum):
    """How often an action has run since the last crash; a run whose completion was durable at the crash counts."""

    NO = "not at all"
    ONCE = "once"
    TWICE = "twice"


class Panic(enum.Enum):
    """The assertion that failed."""

    NONE = "none"
    NODE_ERROR = "node_exec_state: the log copy says Failed, but node_errors has no entry"
    UNDO_ERROR = "node_exec_state: the log copy says UndoFailed, but undo_errors has no entry"
    UNDETERMINED = "node_exec_state: could not determine the state of a node"
    TWO_STATES = "node_exec_state: a node is in two states"
    UNDONE_TWICE = "propagate: a node was marked undone a second time"
    FINISHED_TWICE = "propagate: a node finished a second time"
    REVISITED = "propagate: the walk came to a parent that is already being undone, or undone"
    BAD_START = "worker: starting a node whose load status is neither NeverStarted nor Started"
    BAD_UNDO_START = "worker: undoing a node whose load status is neither Succeeded nor UndoStarted"
    BAD_EVENT = "log copy: an event that is illegal after the node's load status"
    STUCK_AGAIN = (
        "stuck routine: exec_state is not Unwinding, because an earlier undo failure has already ended the saga"
    )
    BAD_DONE = "becoming Done: stopping, a queue that is not empty, or a node without an output"
    LOCK_BUSY = "coming to rest: the lock, taken without waiting, is held by somebody"
    RESULT_BUSY = "result: the lock, taken without waiting, is held by somebody"
    NO_CAUSE = "result: the saga was undone or got stuck, but no node has an error"
    RECOVERY_BAD_DONE = "recovery, becoming Done: stopping, or a queue that is not empty"
    RECOVERY_STUCK_AGAIN = "recovery, stuck routine: exec_state is not Unwinding at the second undo failure in the log"


class State(StateBase):
    """Everything that a saga executor, its durable log and its world consist of."""

    design: Choices
    contract: bool
    most_crashes: int  # -1: any number

    log_copy: PerElement[Load] = per_element(
        Load, Load.NEVER_STARTED, group=MEMORY, doc="sglog: the log as memory has it"
    )
    queue_todo: PerElement[bool] = per_element(bool, False, group=MEMORY, doc="nodes queued to run")
    queue_undo: PerElement[bool] = per_element(bool, False, group=MEMORY, doc="nodes queued to be undone")
    node_tasks: PerElement[bool] = per_element(
        bool, False, group=MEMORY, doc="nodes with a task that the loop waits for"
    )
    node_outputs: PerElement[bool] = per_element(bool, False, group=MEMORY, doc="nodes that have an output")
    node_errors: PerElement[bool] = per_element(bool, False, group=MEMORY, doc="nodes that have an error")
    nodes_undone: PerElement[Undone] = per_element(
        Undone, Undone.NO, group=MEMORY, doc="nodes that count as undone, and how"
    )
    undo_errors: PerElement[bool] = per_element(bool, False, group=MEMORY, doc="nodes that have an undo error")
    log: PerElement[Load] = per_element(
        Load, Load.NEVER_STARTED, group=DURABLE, doc="the node's events in the durable log"
    )
    work: PerElement[Stage] = per_element(Stage, Stage.NONE, group=WORKERS, doc="where the worker of the action is")
    undo_work: PerElement[Stage] = per_element(
        Stage, Stage.NONE, group=WORKERS, doc="where the worker of the undo action is"
    )
    effect: PerElement[bool] = per_element(bool, False, group=WORLD, doc="the action's external effect stands")
    runs: PerElement[Runs] = per_element(Runs, Runs.NO, group=HISTORY, doc="how often the action has run")
    undo_runs: PerElement[Runs] = per_element(Runs, Runs.NO, group=HISTORY, doc="how often the undo action has run")
    untested: PerElement[Node | None] = per_element(
        OPTIONAL_ELEMENT,
        None,
        group=MEMORY,
        doc="in a walk: the parent to be tested next for this node",
        given=lambda p: p.design.revisit_panics,
    )

    pc: Pc = scalar(Pc, Pc.DOWN, group=MEMORY, doc="where the loop is")
    phase: Phase = scalar(Phase, Phase.RUNNING, group=MEMORY, doc="exec_state")
    stopping: bool = scalar(bool, False, group=MEMORY, doc="an undo action has failed; nothing new is started")
    lock: Lock = scalar(
        Lock,
        Lock.FREE,
        group=MEMORY,
        doc="who holds the lock from one step to the next",
        given=lambda p: p.design.has_lock,
    )
    panic: Panic = scalar(Panic, Panic.NONE, group=MEMORY, doc="the assertion that failed, if any")
    crashes: int = scalar(
        range(MOST_CRASHES + 1),
        0,
        group=HISTORY,
        doc="how often the process has crashed",
        given=lambda p: p.most_crashes >= 0,
    )
    memory_writer: Writer = scalar(Writer, Writer.NOBODY, group=HISTORY, doc="who changed memory last")
    log_writer: Writer = scalar(Writer, Writer.NOBODY, group=HISTORY, doc="who changed the durable log last")
