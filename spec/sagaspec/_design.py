"""The space of designs: the axes, the named designs, and which combinations mean nothing.

The first seven axes are the questions that were asked of the executor of steno 0.4.1 and of its proposed fix. The last
three were added because the checker found that the proposed fix alone does not satisfy every property
(docs/findings.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sagacheck import Axis, Design

__all__ = ["AXES", "CONFORMING", "DESIGNS", "Choices", "refuse"]

AXES = (
    Axis(
        "writer",
        ("single", "split"),
        "who changes memory: only the loop, or the worker its log copy and the loop the rest",
    ),
    Axis("start", ("memory-first", "durable-first"), "where a start event is recorded first"),
    Axis("completion", ("durable-first", "memory-first"), "where a completion event is recorded first"),
    Axis("lock-across-io", ("no", "yes"), "whether a worker's durable write is made with the lock held"),
    Axis(
        "recovery", ("relaxed", "strict"), "whether a node that never started may have a parent that was (being) undone"
    ),
    Axis("assertions", ("on", "off"), "whether node_exec_state asserts that a failure in the log copy has its error"),
    Axis("intent", ("before", "after"), "whether the start is durable before the action runs, or written after it ran"),
    Axis("stuck", ("again", "once"), "whether the stuck routine may be entered again by a second undo failure"),
    Axis("revisit", ("skip", "panic"), "what the walk over parents does with a parent that it has already dealt with"),
    Axis(
        "rest",
        ("wait", "try-lock"),
        "how the loop takes the lock, coming to rest: it waits, or insists that no observer in another thread has it",
    ),
)

_FIELDS = tuple(a.name for a in AXES)


def _settings(*values: str) -> dict[str, str]:
    return dict(zip(_FIELDS, values, strict=True))


CONFORMING = "conforming"

DESIGNS = (
    Design(
        CONFORMING,
        _settings("single", "memory-first", "durable-first", "no", "relaxed", "on", "before", "again", "skip", "wait"),
        "steno-461-462 with what else proved necessary: what must always hold is proved for every saga (`prove`).",
    ),
    Design(
        "steno-0.4.1",
        _settings(
            "split", "memory-first", "memory-first", "yes", "strict", "on", "before", "once", "panic", "try-lock"
        ),
        "The published crate: worker and loop both write memory, in different critical sections.",
    ),
    Design(
        "steno-461",
        _settings(
            "single", "memory-first", "durable-first", "no", "strict", "on", "before", "once", "panic", "try-lock"
        ),
        "Pull request #461 as we read it: one writer of memory, starts memory first, completions durable first.",
    ),
    Design(
        "steno-461-462",
        _settings(
            "single", "memory-first", "durable-first", "no", "relaxed", "on", "before", "once", "panic", "try-lock"
        ),
        "The same with the recovery rule of pull request #462.",
    ),
)


@dataclass(frozen=True)
class Choices:
    """A design as the text of the specification asks for it: plain truth values, known while the text is read."""

    split: bool
    start_durable_first: bool
    completion_memory_first: bool
    lock_across_io: bool
    strict: bool
    assertions: bool
    intent_after: bool
    stuck_once: bool
    revisit_panics: bool
    try_lock: bool

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> Choices:
        """The choices that these settings spell."""
        return cls(
            split=settings["writer"] == "split",
            start_durable_first=settings["start"] == "durable-first",
            completion_memory_first=settings["completion"] == "memory-first",
            lock_across_io=settings["lock-across-io"] == "yes",
            strict=settings["recovery"] == "strict",
            assertions=settings["assertions"] == "on",
            intent_after=settings["intent"] == "after",
            stuck_once=settings["stuck"] == "once",
            revisit_panics=settings["revisit"] == "panic",
            try_lock=settings["rest"] == "try-lock",
        )

    @property
    def has_lock(self) -> bool:
        """Whether the lock is ever held from one step to the next, so that somebody can find it taken."""
        return self.split or self.lock_across_io or self.try_lock


def refuse(settings: Mapping[str, str]) -> str:
    """Why a combination means nothing, or ""."""
    if settings["intent"] == "after" and settings["start"] == "durable-first":
        return (
            "intent=after with start=durable-first means nothing: the one writes the start after the action ran, "
            "the other lets the action run only after its start is durable and known"
        )
    return ""
