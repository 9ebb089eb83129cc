"""Faults that a user injects into one saga: errors of actions and undo actions, and repeated runs, as steno has them.

Each injection knows whether it was reached, so that a test which never came to its fault does not pass for one that
survived it. Faults live in memory: a saga that is resumed in another process has none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = ["Faults", "Injection"]


@dataclass(frozen=True)
class Injection:
    """A fault that was injected.

    Attributes:
        kind: "error", "undo error" or "repeat".
        label: the node's label.
        reached: whether the node came to it.
    """

    kind: str
    label: str
    reached: bool = False


class Faults:
    """The faults of one saga, by node."""

    def __init__(self) -> None:
        self._injections: dict[tuple[str, int], Injection] = {}
        self._repeats: dict[int, tuple[int, int]] = {}

    def error(self, n: int, label: str) -> None:
        """The action of n fails instead of running."""
        self._injections["error", n] = Injection("error", label)

    def undo_error(self, n: int, label: str) -> None:
        """The undo action of n fails instead of running."""
        self._injections["undo error", n] = Injection("undo error", label)

    def repeat(self, n: int, label: str, do: int, undo: int) -> None:
        """The action of n runs `do` times, its undo action `undo` times; the outcome of the last run counts."""
        self._injections["repeat", n] = Injection("repeat", label)
        self._repeats[n] = (do, undo)

    def fires(self, kind: str, n: int) -> bool:
        """Whether this fault was injected into n, which has now come to it."""
        injection = self._injections.get((kind, n))
        if injection is not None:
            self._injections[kind, n] = replace(injection, reached=True)
        return injection is not None

    def runs(self, n: int, *, undo: bool) -> int:
        """How often the action (undo action) of n, which has come to it, is to run."""
        if n not in self._repeats:
            return 1
        count = self._repeats[n][undo]
        if count > 1:
            self.fires("repeat", n)
        return count

    @property
    def injections(self) -> tuple[Injection, ...]:
        """Everything that was injected."""
        return tuple(self._injections.values())
