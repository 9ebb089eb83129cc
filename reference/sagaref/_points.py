"""Injection points: where an actor of the executor can be held, each with the name of the specification's step.

An actor reaches a point just before it takes that step. A hook is an async callable that is awaited there: while it has
not returned the actor is held, everybody else goes on, and the saga's state can be looked at. The points, by actor:

    recovery  recover
    loop      kick_off, take_success, take_failure, take_undo_success, take_undo_failure, finish, read_result
    worker    succeed, fail, succeed_undo, fail_undo: the action has returned, or failed, and the worker goes on
    store     start_lands, success_lands, failure_lands, undo_start_lands, undo_success_lands, undo_failure_lands,
              unwinding_lands, done_lands: the write is about to be made

At a `take_...` point a worker is held that is about to report to the loop. The remaining steps of the specification are
others': `take_effect` and `remove_effect` are what an action does, `ask_status` is a call of `status()`, and `crash`
needs no point.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sagaref._log import Event

if TYPE_CHECKING:
    from sagaref._status import SagaStatus

__all__ = ["DO", "POINTS", "UNDO", "Hook", "Job", "Point"]


@dataclass(frozen=True)
class Job:
    """What a worker is for: its events, and the points that it comes to."""

    start: Event
    success: Event
    failure: Event
    start_lands: str
    succeed: str
    fail: str
    success_lands: str
    failure_lands: str
    take_success: str
    take_failure: str


DO = Job(
    Event.STARTED,
    Event.SUCCEEDED,
    Event.FAILED,
    "start_lands",
    "succeed",
    "fail",
    "success_lands",
    "failure_lands",
    "take_success",
    "take_failure",
)
UNDO = Job(
    Event.UNDO_STARTED,
    Event.UNDO_FINISHED,
    Event.UNDO_FAILED,
    "undo_start_lands",
    "succeed_undo",
    "fail_undo",
    "undo_success_lands",
    "undo_failure_lands",
    "take_undo_success",
    "take_undo_failure",
)


def _of(job: Job) -> tuple[str, ...]:
    ends = (job.success_lands, job.failure_lands, job.take_success, job.take_failure)
    return (job.start_lands, job.succeed, job.fail, *ends)


# Every point.
POINTS = ("recover", "kick_off", *_of(DO), *_of(UNDO), "unwinding_lands", "finish", "done_lands", "read_result")


@dataclass(frozen=True)
class Point:
    """An actor is about to take a step.

    Attributes:
        step: the step's name in the specification.
        saga_id: in which saga.
        node: the index of the node whose step it is; None for a step of the whole saga.
        label: the node's label, or "".
        status: what `status()` of the saga says now; at `recover` there is nothing to ask yet, and it is None.
    """

    step: str
    saga_id: str
    node: int | None
    label: str
    status: Callable[[], SagaStatus] | None = field(repr=False, compare=False, default=None)


Hook = Callable[[Point], Awaitable[None]]
