"""Memory: the live state of one saga, what it says of a node, and what a completion does to it.

Only the loop changes it (`_recorder` says when), and each public method is one critical section: it does not await, so
on one event loop nobody sees it half done. The rules are those of the specification (`sagaspec/_memory.py`), which has
them from steno 0.4.1; the attributes have the names of its variables. A method whose assertion fails raises
Inconsistent, and the memory is then not to be used any more.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable

from sagaref._dag import Dag
from sagaref._errors import Assertion, Inconsistent
from sagaref._log import TRANSITIONS, Event, Load

__all__ = ["Memory", "NodeState", "Phase", "Undone"]


class Phase(enum.Enum):
    """The direction of a saga (steno's exec_state)."""

    RUNNING = "running"
    UNWINDING = "unwinding"
    DONE = "done"


class Undone(enum.Enum):
    """How a node came to count as undone."""

    NEVER_RAN = "never ran"
    FAILED = "failed"
    UNDONE = "undone"


class NodeState(enum.Enum):
    """What an executor says of a node."""

    BLOCKED = "blocked"
    QUEUED_TO_RUN = "queued to run"
    TASK_IN_PROGRESS = "running"
    DONE = "done"
    FAILED = "failed"
    QUEUED_TO_UNDO = "queued to undo"
    UNDO_IN_PROGRESS = "undoing"
    UNDONE_NEVER_RAN = "undone (never ran)"
    UNDONE_FAILED = "undone (failed)"
    UNDONE = "undone"
    UNDO_FAILED = "undo failed"


_UNDONE_STATES = {
    Undone.NEVER_RAN: NodeState.UNDONE_NEVER_RAN,
    Undone.FAILED: NodeState.UNDONE_FAILED,
    Undone.UNDONE: NodeState.UNDONE,
}


class Memory:
    """The live state of a saga; a new one is that of a saga with an empty log, before recovery.

    Attributes:
        dag: the saga.
        log_copy: the load status of each node, as memory has it.
        queue_todo, queue_undo: the nodes to run, and to undo, in the order in which they were queued.
        node_tasks: the nodes with a worker that the loop waits for.
        node_outputs: node -> its output, as JSON text.
        node_errors, undo_errors: node -> the cause of its failure, as JSON text.
        nodes_undone: node -> how it came to count as undone.
        phase: the direction of the saga.
        stopping: an undo action has failed, and nothing new is started.
    """

    def __init__(self, dag: Dag) -> None:
        self.dag = dag
        self.log_copy = [Load.NEVER_STARTED] * len(dag.nodes)
        self.queue_todo: dict[int, None] = {}
        self.queue_undo: dict[int, None] = {}
        self.node_tasks: set[int] = set()
        self.node_outputs: dict[int, str] = {}
        self.node_errors: dict[int, str] = {}
        self.undo_errors: dict[int, str] = {}
        self.nodes_undone: dict[int, Undone] = {}
        self.phase = Phase.RUNNING
        self.stopping = False

    # What memory says -------------------------------------------------------------------------------------------

    def node_state(self, n: int) -> NodeState:
        """The one state of a node.

        Raises:
            Inconsistent: memory contradicts itself about the node.
        """
        state = self._recorded_state(n)
        if n in self.queue_todo:
            self._insist(state is None, Assertion.TWO_STATES, n)
            return NodeState.QUEUED_TO_RUN
        if state is None:
            self._insist(self.log_copy[n] is Load.NEVER_STARTED, Assertion.UNDETERMINED, n)
            return NodeState.BLOCKED
        return state

    def _recorded_state(self, n: int) -> NodeState | None:
        """The state of a node, but for the queue of nodes to run; None where no map has it. First match wins."""
        how = self.nodes_undone.get(n)
        if how is not None:
            return _UNDONE_STATES[how]
        if n in self.queue_undo:
            return NodeState.QUEUED_TO_UNDO
        if self.log_copy[n] is Load.FAILED:
            self._insist_on_error(n, self.node_errors, Assertion.NODE_ERROR)
            return NodeState.FAILED
        if self.log_copy[n] is Load.UNDO_FAILED:
            self._insist_on_error(n, self.undo_errors, Assertion.UNDO_ERROR)
            return NodeState.UNDO_FAILED
        if n in self.node_outputs:
            return NodeState.UNDO_IN_PROGRESS if n in self.node_tasks else NodeState.DONE
        return NodeState.TASK_IN_PROGRESS if n in self.node_tasks else None

    def _insist_on_error(self, n: int, errors: dict[int, str], assertion: Assertion) -> None:
        self._insist(n in errors, assertion, n)

    def _insist(self, right: bool, assertion: Assertion, n: int) -> None:
        if not right:
            raise Inconsistent(assertion, self.dag.labels[n])

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do but to come to rest."""
        return self.phase is Phase.DONE

    def all_undone(self, nodes: Iterable[int]) -> bool:
        """Whether these nodes all count as undone."""
        return all(m in self.nodes_undone for m in nodes)

    # What changes it --------------------------------------------------------------------------------------------

    def record(self, n: int, event: Event) -> None:
        """The event is recorded in the log copy. Raises Inconsistent where it is illegal after what is there."""
        before, after = TRANSITIONS[event]
        self._insist(self.log_copy[n] is before, Assertion.BAD_EVENT, n)
        self.log_copy[n] = after

    def check_queues(self) -> None:
        """Insist that whatever is queued can be started. Raises Inconsistent."""
        for n in self.queue_todo:
            self._insist(self.log_copy[n] in (Load.NEVER_STARTED, Load.STARTED), Assertion.BAD_START, n)
        for n in self.queue_undo:
            self._insist(self.log_copy[n] in (Load.SUCCEEDED, Load.UNDO_STARTED), Assertion.BAD_UNDO_START, n)

    def remove_task(self, n: int) -> None:
        """The loop no longer waits for the worker of n; a stopping saga whose last worker this was is done."""
        self.node_tasks.discard(n)
        if self.stopping and not self.node_tasks:
            self.phase = Phase.DONE

    def done(self, n: int, output: str) -> None:
        """The action of n succeeded: children whose parents all have outputs may run. Raises Inconsistent."""
        self._insist_on_first_end(n)
        self.node_outputs[n] = output
        if n == self.dag.end:
            right = self.phase is Phase.RUNNING and len(self.node_outputs) == len(self.dag.nodes)
            self._insist(right, Assertion.BAD_DONE, n)
            self._become_done()
        elif self.stopping:
            return
        elif self.phase is Phase.UNWINDING:
            if self.all_undone(self.dag.children[n]):
                self.queue_undo[n] = None
        else:
            for c in self.dag.children[n]:
                if all(p in self.node_outputs for p in self.dag.parents[c]):
                    self.queue_todo[c] = None

    def failed(self, n: int, cause: str) -> bool:
        """The action of n failed; the first failure begins the unwinding, from the end node on.

        Returns:
            Whether this began the unwinding.

        Raises:
            Inconsistent: an assertion failed.
        """
        self._insist_on_first_end(n)
        self.node_errors[n] = cause
        if self.stopping:
            return False
        if self.phase is Phase.RUNNING:
            self.phase = Phase.UNWINDING
            self.undone(self.dag.end, Undone.NEVER_RAN)
            return True
        if self.all_undone(self.dag.children[n]):
            self.undone(n, Undone.FAILED)
        return False

    def _insist_on_first_end(self, n: int) -> None:
        self._insist(n not in self.node_outputs and n not in self.node_errors, Assertion.FINISHED_TWICE, n)

    def undone(self, n: int, how: Undone) -> None:
        """The node counts as undone, and so does whatever of its ancestors has nothing to undo; others are queued.

        The parents are walked over depth first, newest edge first. A parent is dealt with when the last of its children
        counts as undone, which the walk may see more than once (`revisit`). Raises Inconsistent.
        """
        walk: list[int] = []
        self._mark(n, how, walk)
        while walk:
            p = walk.pop()
            if not self.all_undone(self.dag.children[p]):
                continue
            state = self.node_state(p)
            if state is NodeState.BLOCKED:
                self._mark(p, Undone.NEVER_RAN, walk)
            elif state is NodeState.FAILED:
                self._mark(p, Undone.FAILED, walk)
            elif state is NodeState.DONE:
                self.queue_undo[p] = None
            elif state not in (NodeState.QUEUED_TO_RUN, NodeState.TASK_IN_PROGRESS):
                self.revisit(p, state)

    def _mark(self, n: int, how: Undone, walk: list[int]) -> None:
        self._insist(n not in self.nodes_undone, Assertion.UNDONE_TWICE, n)
        self.nodes_undone[n] = how
        if n == self.dag.start:
            self._become_done()
        elif not self.stopping:
            walk.extend(reversed(self.dag.parents[n]))

    def revisit(self, p: int, state: NodeState) -> None:
        """The walk came to a parent with nothing left to do; it has been dealt with before unless an undo is under way.

        Raises:
            Inconsistent: its undo action runs or has failed, so children of it were not all undone before.
        """
        self._insist(state not in (NodeState.UNDO_IN_PROGRESS, NodeState.UNDO_FAILED), Assertion.REVISITED, p)

    def undo_failed(self, n: int, cause: str) -> None:
        """The undo action of n failed: the saga is stuck. Raises Inconsistent."""
        self._insist(n not in self.undo_errors, Assertion.FINISHED_TWICE, n)
        self.get_stuck(n, Assertion.STUCK_AGAIN)
        self.undo_errors[n] = cause

    def get_stuck(self, n: int, otherwise: Assertion) -> None:
        """Nothing new is started for the failed undo action of n; when nothing runs any more the saga is done.

        Args:
            n: the node.
            otherwise: the assertion that fails where the saga cannot get stuck now.

        Raises:
            Inconsistent: the saga cannot get stuck now.
        """
        self._insist(self.may_get_stuck(), otherwise, n)
        self.stopping = True
        if not self.node_tasks:
            self.phase = Phase.DONE

    def may_get_stuck(self) -> bool:
        """Whether an undo action can fail now: while unwinding, and again while stopping for an earlier failure."""
        return self.phase is Phase.UNWINDING or self.stopping

    def _become_done(self) -> None:
        right = not self.stopping and self.phase is not Phase.DONE and not self.queue_todo and not self.queue_undo
        self._insist(right, Assertion.BAD_DONE, self.dag.end)
        self.phase = Phase.DONE
