"""One node of a saga: what kind it is, how it is called, whether it has something to undo."""

from __future__ import annotations

import enum
from dataclasses import dataclass

__all__ = ["NodeKind", "SagaNode"]


class NodeKind(enum.Enum):
    """What a node does; every kind but `ACTION` runs trivially, never fails and has no effect."""

    START = "start"
    END = "end"
    ACTION = "action"
    CONSTANT = "constant"
    SUBSAGA_START = "subsaga start"
    SUBSAGA_END = "subsaga end"

    @property
    def is_named(self) -> bool:
        """Whether nodes of this kind have a name, which is that of their output."""
        return self in (NodeKind.ACTION, NodeKind.CONSTANT, NodeKind.SUBSAGA_END)


@dataclass(frozen=True)
class SagaNode:
    """A node of a saga; which index it has is known to its `Saga` only."""

    # What the node does.
    kind: NodeKind
    # Its name, unique within its saga or subsaga; empty for the kinds that have no name.
    name: str = ""
    # Where it stands: its name after the names of the subsagas around it, as in `delete_volume/no_result_1`. A subsaga
    # bears the name of its end node, and its start node the path `<subsaga>/start`. `Saga.build` fills it in; it need
    # not be unique (see `Saga.label`).
    path: str = ""
    # Whether undoing it removes an effect and may fail. Always false for a node that is no action.
    has_undo: bool = False
    # Of the start of a subsaga: what the inlined saga is called, and the node whose output is its parameters. No step
    # depends on them; implementations are given them.
    saga_name: str = ""
    params_from: str = ""
