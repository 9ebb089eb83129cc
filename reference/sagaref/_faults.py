"""Faults that a user injects into one saga: errors of actions and undo actions, and repeated runs, as steno has them.

Each injection knows whether it was reached, so that a test which never came to its fault does not pass for one that
survived it. Faults live in memory: a saga that is resumed in another process has none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = ["ERROR", "REPEAT", "UNDO_ERROR", "UNDO_REPEAT", "Faults", "Injection"]

ERROR = "error"
UNDO_ERROR = "undo error"
REPEAT = "repeat"
UNDO_REPEAT = "undo repeat"


@dataclass(frozen=True)
class Injection:
    """A fault that was injected.

    Attributes:
        kind: "error", "undo error", "repeat" or "undo repeat".
        label: the node's label.
        reached: whether the node came to it: it failed of it, or began its second run.
        count: how often the node is to run in all; 1 for an error.
    """

    kind: str
    label: str
    reached: bool = False
    count: int = 1


class Faults:
    """The faults of one saga, by node."""

    def __init__(self) -> None:
        self._injections: dict[tuple[str, int], Injection] = {}

    def fail(self, kind: str, n: int, label: str) -> None:
        """The action (undo action) of n fails instead of running."""
        self._injections[kind, n] = Injection(kind, label)

    def repeat(self, kind: str, n: int, label: str, count: int) -> None:
        """The action (undo action) of n runs so often, unless it fails before; once is no fault."""
        self._injections.pop((kind, n), None)
        if count > 1:
            self._injections[kind, n] = Injection(kind, label, count=count)

    def fires(self, kind: str, n: int) -> bool:
        """Whether this fault was injected into n, which has now come to it."""
        injection = self._injections.get((kind, n))
        if injection is not None:
            self._injections[kind, n] = replace(injection, reached=True)
        return injection is not None

    def count(self, kind: str, n: int) -> int:
        """How often the action (undo action) of n is to run."""
        injection = self._injections.get((kind, n))
        return 1 if injection is None else injection.count

    @property
    def injections(self) -> tuple[Injection, ...]:
        """Everything that was injected, in that order."""
        return tuple(self._injections.values())
