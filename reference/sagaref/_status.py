"""Snapshots of a saga: its status as a frozen value and as a printed tree, and its result."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sagaref._dag import Dag, Kind
from sagaref._errors import Inconsistent
from sagaref._faults import Injection
from sagaref._log import Load
from sagaref._memory import Memory, NodeState, Phase

__all__ = ["Ending", "Failure", "NodeStatus", "SagaResult", "SagaStatus", "snapshot"]


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
    """

    node: int
    label: str
    kind: Kind
    text: str
    produces: str
    state: NodeState | None
    problem: str
    log: Load


@dataclass(frozen=True)
class SagaStatus:
    """A saga at one moment.

    Attributes:
        saga_id, name: which.
        phase: its direction.
        stopping: an undo action has failed: the saga is stuck.
        stopped: why its executor has stopped running it before its end, or "".
        trouble: why the store failed last, while a write is being repeated, or "".
        held: the labels of nodes that are held at a breakpoint.
        nodes: its nodes, in topological order.
        injections: the faults that were injected, and whether each was reached.
        depths: for each of `nodes` in how many subsagas it is.
    """

    saga_id: str
    name: str
    phase: Phase
    stopping: bool
    stopped: str
    trouble: str
    held: tuple[str, ...]
    nodes: tuple[NodeStatus, ...]
    injections: tuple[Injection, ...]
    depths: tuple[int, ...]

    def __getitem__(self, label: str) -> NodeStatus:
        """The status of the node of this label. Raises KeyError."""
        for node in self.nodes:
            if node.label == label:
                return node
        raise KeyError(label)

    def tree(self) -> str:
        """The saga as people read it: a line for each node, subsagas indented, in the order of the DAG."""
        head = f"saga {self.saga_id} ({self.name}): {self.phase.value}"
        notes = [self.stopping and "stuck", self.stopped and f"stopped: {self.stopped}", self.trouble]
        lines = [", ".join([head, *(str(note) for note in notes if note)])]
        for node, depth in zip(self.nodes, self.depths, strict=True):
            state = node.state.value if node.state else f"contradiction: {node.problem}"
            produces = f" -> {node.produces}" if node.produces else ""
            held = " (held)" if node.label in self.held else ""
            lines.append(f"{'    ' * depth}  {state:>18}  {node.text}{produces}{held}")
        return "\n".join(lines)


def snapshot(
    saga_id: str,
    memory: Memory,
    *,
    stopped: str = "",
    trouble: str = "",
    held: tuple[str, ...] = (),
    injections: tuple[Injection, ...] = (),
) -> SagaStatus:
    """The status of a saga now. It never raises, whatever state memory is in."""
    dag = memory.dag
    return SagaStatus(
        saga_id,
        dag.name,
        memory.phase,
        memory.stopping,
        stopped,
        trouble,
        held,
        tuple(_node_status(memory, n) for n in dag.topological),
        injections,
        tuple(_depth(dag, n) for n in dag.topological),
    )


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
    return NodeStatus(n, memory.dag.labels[n], node.kind, shown, node.name, state, problem, memory.log_copy[n])


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
        outputs: node label -> output, of every node that has one and was not undone.
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
