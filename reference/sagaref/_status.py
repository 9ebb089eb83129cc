"""Snapshots of a saga: its status as a frozen value and as a printed tree, and its result."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sagaref._cause import Cause, one_line, printable
from sagaref._dag import Dag, Kind
from sagaref._errors import Inconsistent
from sagaref._faults import Injection
from sagaref._log import Load
from sagaref._memory import Memory, NodeState, Phase
from sagaref._tree import Row, tree

__all__ = ["Ending", "Failure", "NodeStatus", "SagaResult", "SagaStatus", "snapshot"]

# What the tree says of a node that is no action.
_WHAT = {
    Kind.START: "",
    Kind.END: "",
    Kind.CONSTANT: "constant",
    Kind.SUBSAGA_START: "subsaga",
    Kind.SUBSAGA_END: "end of the subsaga",
}


@dataclass(frozen=True)
class NodeStatus:
    """What an executor says of one node.

    Attributes:
        node, label: which.
        kind: what it is.
        text: what to show people: the label that its action was given, or what it is.
        produces: the name of its output, or "".
        state: its state; None where memory contradicts itself about it, which the specification rules out.
        problem: the contradiction, or "".
        log: its load status, as memory has it.
        cause: why its undo action failed, or else its action, or "".
    """

    node: int
    label: str
    kind: Kind
    text: str
    produces: str
    state: NodeState | None
    problem: str
    log: Load
    cause: str = ""


@dataclass(frozen=True)
class SagaStatus:
    """A saga at one moment.

    Attributes:
        saga_id: which.
        dag: what it runs.
        started: whether its executor has taken it; until then nothing is known of its log.
        phase: its direction.
        stopping: an undo action has failed: the saga is stuck.
        stopped: why its executor has stopped running it before its end, or "".
        trouble: why the store failed last, while a call of it is being repeated, or "".
        held: the labels of nodes that are held at a breakpoint.
        nodes: its nodes, in topological order.
        injections: the faults that were injected, and whether each was reached.
    """

    saga_id: str
    dag: Dag = field(repr=False)
    started: bool
    phase: Phase
    stopping: bool
    stopped: str
    trouble: str
    held: tuple[str, ...]
    nodes: tuple[NodeStatus, ...]
    injections: tuple[Injection, ...]

    @property
    def name(self) -> str:
        """The name of the saga."""
        return self.dag.name

    @property
    def depths(self) -> tuple[int, ...]:
        """For each of `nodes` in how many subsagas it is."""
        return tuple(_depth(self.dag, node.node) for node in self.nodes)

    def __getitem__(self, label: str) -> NodeStatus:
        """The status of the node of this label. Raises KeyError."""
        for node in self.nodes:
            if node.label == label:
                return node
        raise KeyError(label)

    @property
    def ending(self) -> Ending | None:
        """How the saga ended; None while it has not."""
        if self.phase is not Phase.DONE:
            return None
        if self.stopping:
            return Ending.STUCK
        return Ending.UNWOUND if any(node.log is Load.UNDO_FINISHED for node in self.nodes) else Ending.SUCCEEDED

    def tree(self) -> str:
        """The saga as people read it: how it stands, its nodes as a tree with their states, the injected faults.

        What is not printable in a label, a cause or a trouble is escaped.
        """
        rows = {node.node: self._row(node) for node in self.nodes}
        faults = (f"injected: {i.kind} into {i.label}, {'' if i.reached else 'not '}reached" for i in self.injections)
        head = f"saga {printable(self.saga_id)} ({self.name}): {self._standing()}"
        return "\n".join((head, *tree(self.dag, rows), *faults))

    def _standing(self) -> str:
        if not self.started:
            direction = "not started"
        elif self.ending is not None:
            direction = self.ending.value
        else:
            direction = f"{self.phase.value}, and getting stuck" if self.stopping else self.phase.value
        stopped = f"stopped: {self.stopped}" if self.stopped else ""
        trouble = f"the store is called again: {self.trouble}" if self.trouble else ""
        return "; ".join(one_line(part) for part in (direction, stopped, trouble) if part)

    def _row(self, node: NodeStatus) -> Row:
        what = one_line(node.text) if node.kind is Kind.ACTION else _WHAT[node.kind]
        text = node.label if what in ("", node.label) else f"{node.label}: {what}"
        state = f"contradiction: {node.problem}" if node.state is None else node.state.value
        held = "held" if node.label in self.held else ""
        return Row(text, state, "; ".join(part for part in (held, one_line(node.cause)) if part))


def snapshot(
    saga_id: str,
    memory: Memory,
    *,
    started: bool = True,
    stopped: str = "",
    trouble: str = "",
    held: tuple[str, ...] = (),
    injections: tuple[Injection, ...] = (),
) -> SagaStatus:
    """The status of a saga now. It never raises, whatever state memory is in."""
    dag = memory.dag
    nodes = tuple(_node_status(memory, n) for n in dag.topological)
    return SagaStatus(saga_id, dag, started, memory.phase, memory.stopping, stopped, trouble, held, nodes, injections)


def _depth(dag: Dag, n: int) -> int:
    """In how many subsagas the node is."""
    depth = 0
    while dag.scopes[n] != dag.start:
        n = dag.scopes[n]
        depth += 1
    return depth


def _node_status(memory: Memory, n: int) -> NodeStatus:
    node, state, problem = memory.dag.nodes[n], None, ""
    try:
        state = memory.node_state(n)
    except Inconsistent as error:
        problem = error.assertion.name
    text = node.label or node.name or (node.saga_name if node.kind is Kind.SUBSAGA_START else "")
    kind = "" if node.kind is Kind.ACTION else f"({node.kind.value})"
    shown = " ".join(part for part in (text, kind) if part)
    failed = memory.undo_errors.get(n) or memory.node_errors.get(n)
    cause = "" if failed is None else str(Cause.read(failed))
    return NodeStatus(n, memory.dag.labels[n], node.kind, shown, node.name, state, problem, memory.log_copy[n], cause)


class Ending(enum.Enum):
    """How a saga came to rest."""

    SUCCEEDED = "succeeded"
    UNWOUND = "unwound"
    STUCK = "stuck"


@dataclass(frozen=True)
class Failure:
    """Why an action or an undo action failed.

    Attributes:
        node, label: whose.
        error: the name of the exception, or of what was done to the run (InjectedError, Cancelled, TimeoutError).
        message: its text.
        detail: the JSON value that the action gave with it, or None.
    """

    node: int
    label: str
    error: str
    message: str
    detail: Any


@dataclass(frozen=True)
class SagaResult:
    """A saga at rest.

    Attributes:
        saga_id, name: which.
        ending: how it ended.
        output: of the saga, if it succeeded: the output of its last node; else None.
        outputs: node label -> output, of every named node whose action succeeded, unless its undoing has begun.
        failure: the first failure of an action, unless the saga succeeded.
        undo_failure: the first failure of an undo action, if the saga is stuck.
        injections: the faults that were injected, and whether each was reached.
    """

    saga_id: str
    name: str
    ending: Ending
    output: Any
    outputs: Mapping[str, Any]
    failure: Failure | None
    undo_failure: Failure | None
    injections: tuple[Injection, ...] = ()
