"""The durable log of a saga: its events, the order in which a node may have them, and the load status they make.

The order per node is that of steno 0.4.1 (saga_log.rs): started, then succeeded or failed; after succeeded,
undo_started, then undo_finished or undo_failed.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["TRANSITIONS", "Event", "Load", "LogEntry", "is_unwinding", "load_statuses"]


class Event(enum.Enum):
    """What is recorded of a node."""

    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNDO_STARTED = "undo_started"
    UNDO_FINISHED = "undo_finished"
    UNDO_FAILED = "undo_failed"


class Load(enum.Enum):
    """The load status of a node: what its events say."""

    NEVER_STARTED = "never started"
    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNDO_STARTED = "undo started"
    UNDO_FINISHED = "undo finished"
    UNDO_FAILED = "undo failed"


# The load status that an event follows, and the one that it makes.
TRANSITIONS = {
    Event.STARTED: (Load.NEVER_STARTED, Load.STARTED),
    Event.SUCCEEDED: (Load.STARTED, Load.SUCCEEDED),
    Event.FAILED: (Load.STARTED, Load.FAILED),
    Event.UNDO_STARTED: (Load.SUCCEEDED, Load.UNDO_STARTED),
    Event.UNDO_FINISHED: (Load.UNDO_STARTED, Load.UNDO_FINISHED),
    Event.UNDO_FAILED: (Load.UNDO_STARTED, Load.UNDO_FAILED),
}
_ORDER = {event: position for position, event in enumerate(Event)}
_UNWINDING = frozenset((Load.FAILED, Load.UNDO_STARTED, Load.UNDO_FINISHED, Load.UNDO_FAILED))


@dataclass(frozen=True)
class LogEntry:
    """An event of a node.

    Attributes:
        node: its index.
        event: what happened.
        data: JSON text: the output of a `succeeded`; the cause of a `failed` or an `undo_failed`; else "null".
    """

    node: int
    event: Event
    data: str = "null"


def load_statuses(entries: Iterable[LogEntry], size: int) -> list[Load]:
    """The load status of each of `size` nodes; the store promises no order between entries, so they are sorted by kind.

    Raises:
        ValueError: an entry of no such node, or events of a node that are no legal sequence; the text says which.
    """
    statuses = [Load.NEVER_STARTED] * size
    for entry in sorted(entries, key=lambda e: _ORDER[e.event]):
        if not 0 <= entry.node < size:
            raise ValueError(f"its log has an event of node {entry.node}, and there are {size} nodes")
        before, after = TRANSITIONS[entry.event]
        if statuses[entry.node] is not before:
            raise ValueError(
                f"its log says {entry.event.value} of node {entry.node}, which is {statuses[entry.node].value}"
            )
        statuses[entry.node] = after
    return statuses


def is_unwinding(statuses: Iterable[Load]) -> bool:
    """Whether the log of a saga holds an event of its unwinding."""
    return not _UNWINDING.isdisjoint(statuses)
