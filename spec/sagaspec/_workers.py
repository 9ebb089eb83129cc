"""The steps of workers and store: starts, runs and completions of actions and undo actions, and their durable writes.

A pending durable write takes effect in a step of the store (`..._lands`), and the worker goes on. What the steps do is
written in `_jobs`, once for actions and undo actions; here they have their names, which traces show.
"""

from __future__ import annotations

from typing import Any

from sagacheck.language import action, require
from sagaspec._jobs import (
    Job,
    end_run,
    land_completion,
    land_late_start,
    land_start,
    learn_completion,
    learn_start_of,
    record_completion,
    record_start_of,
)
from sagaspec._memory import alive
from sagaspec._state import Node, Stage, State, has_undo, may_fail, may_fail_undo

__all__ = ["LOOP_LEARNS", "STORE", "WORKERS"]


def _locks(p: Any) -> bool:
    """Whether a worker takes the lock to record."""
    return bool(p.design.split or p.design.lock_across_io)


def _learns_start(p: Any) -> bool:
    """Whether the worker records its start in memory in a step after it is durable."""
    return bool(p.design.split and p.design.start_durable_first and not p.design.lock_across_io)


def _learns_completion(p: Any) -> bool:
    """Whether the worker records its completion in memory in a step after it is durable."""
    return bool(p.design.split and not p.design.completion_memory_first and not p.design.lock_across_io)


@action("world")
def take_effect(s: State, n: Node) -> None:
    """The action of {n} takes effect."""
    require(alive(s) and has_undo(n))
    require(s.work[n] == Stage.RUN and not s.effect[n])
    s.effect[n] = True


@action("worker")
def succeed(s: State, n: Node) -> None:
    """The action of {n} succeeds."""
    require(alive(s))
    require(s.work[n] == Stage.RUN and (s.effect[n] or not has_undo(n)))
    end_run(s, n, Job.DO, True)


@action("worker")
def fail(s: State, n: Node) -> None:
    """The action of {n} fails.

    Under the contract of actions it leaves no effect, nor one of an interrupted earlier run of itself.
    """
    require(alive(s) and may_fail(n))
    require(s.work[n] == Stage.RUN)
    if s.contract:
        s.effect[n] = False
    end_run(s, n, Job.DO, False)


@action("world")
def remove_effect(s: State, n: Node) -> None:
    """The undo action of {n} removes the effect."""
    require(alive(s))
    require(s.undo_work[n] == Stage.RUN and s.effect[n])
    s.effect[n] = False


@action("worker")
def succeed_undo(s: State, n: Node) -> None:
    """The undo action of {n} succeeds."""
    require(alive(s))
    require(s.undo_work[n] == Stage.RUN and not s.effect[n])
    end_run(s, n, Job.UNDO, True)


@action("worker")
def fail_undo(s: State, n: Node) -> None:
    """The undo action of {n} fails; the effect stands."""
    require(alive(s) and may_fail_undo(n))
    require(s.undo_work[n] == Stage.RUN and s.effect[n])
    end_run(s, n, Job.UNDO, False)


# The steps by name -----------------------------------------------------------------------------------------------


@action("worker", given=_locks)
def record_start(s: State, n: Node) -> None:
    """The worker of {n} takes the lock to record the start."""
    record_start_of(s, n, Job.DO)


@action("store", given=lambda p: not p.design.intent_after)
def start_lands(s: State, n: Node) -> None:
    """`started` of {n} is in the durable log."""
    land_start(s, n, Job.DO)


@action("loop", given=lambda p: p.design.start_durable_first and not p.design.split)
def take_start(s: State, n: Node) -> None:
    """The loop learns that the start of {n} is durable."""
    learn_start_of(s, n, Job.DO)


@action("worker", given=_learns_start)
def learn_start(s: State, n: Node) -> None:
    """The worker of {n} records in memory the start that is durable."""
    learn_start_of(s, n, Job.DO)


@action("worker", given=_locks)
def record_success(s: State, n: Node) -> None:
    """The worker of {n} takes the lock to record success."""
    record_completion(s, n, Job.DO, True)


@action("worker", given=_locks)
def record_failure(s: State, n: Node) -> None:
    """The worker of {n} takes the lock to record failure."""
    record_completion(s, n, Job.DO, False)


@action("store", given=lambda p: p.design.intent_after)
def late_start_lands_on_success(s: State, n: Node) -> None:
    """`started` of {n} is in the durable log, after its action succeeded."""
    land_late_start(s, n, Job.DO, True)


@action("store", given=lambda p: p.design.intent_after)
def late_start_lands_on_failure(s: State, n: Node) -> None:
    """`started` of {n} is in the durable log, after its action failed."""
    land_late_start(s, n, Job.DO, False)


@action("store")
def success_lands(s: State, n: Node) -> None:
    """`succeeded` of {n} is in the durable log."""
    land_completion(s, n, Job.DO, True)


@action("store")
def failure_lands(s: State, n: Node) -> None:
    """`failed` of {n} is in the durable log."""
    land_completion(s, n, Job.DO, False)


@action("worker", given=_learns_completion)
def learn_success(s: State, n: Node) -> None:
    """The worker of {n} records in memory the success that is durable."""
    learn_completion(s, n, Job.DO, True)


@action("worker", given=_learns_completion)
def learn_failure(s: State, n: Node) -> None:
    """The worker of {n} records in memory the failure that is durable."""
    learn_completion(s, n, Job.DO, False)


@action("worker", given=_locks)
def record_undo_start(s: State, n: Node) -> None:
    """The worker of {n} takes the lock to record the start of its undo action."""
    record_start_of(s, n, Job.UNDO)


@action("store", given=lambda p: not p.design.intent_after)
def undo_start_lands(s: State, n: Node) -> None:
    """`undo_started` of {n} is in the durable log."""
    land_start(s, n, Job.UNDO)


@action("loop", given=lambda p: p.design.start_durable_first and not p.design.split)
def take_undo_start(s: State, n: Node) -> None:
    """The loop learns that the start of the undo action of {n} is durable."""
    learn_start_of(s, n, Job.UNDO)


@action("worker", given=_learns_start)
def learn_undo_start(s: State, n: Node) -> None:
    """The worker of {n} records in memory the start of its undo action, which is durable."""
    learn_start_of(s, n, Job.UNDO)


@action("worker", given=_locks)
def record_undo_success(s: State, n: Node) -> None:
    """The worker of {n} takes the lock to record that its undo action succeeded."""
    record_completion(s, n, Job.UNDO, True)


@action("worker", given=_locks)
def record_undo_failure(s: State, n: Node) -> None:
    """The worker of {n} takes the lock to record that its undo action failed."""
    record_completion(s, n, Job.UNDO, False)


@action("store", given=lambda p: p.design.intent_after)
def late_undo_start_lands_on_success(s: State, n: Node) -> None:
    """`undo_started` of {n} is in the durable log, after its undo action succeeded."""
    land_late_start(s, n, Job.UNDO, True)


@action("store", given=lambda p: p.design.intent_after)
def late_undo_start_lands_on_failure(s: State, n: Node) -> None:
    """`undo_started` of {n} is in the durable log, after its undo action failed."""
    land_late_start(s, n, Job.UNDO, False)


@action("store")
def undo_success_lands(s: State, n: Node) -> None:
    """`undo_finished` of {n} is in the durable log."""
    land_completion(s, n, Job.UNDO, True)


@action("store")
def undo_failure_lands(s: State, n: Node) -> None:
    """`undo_failed` of {n} is in the durable log."""
    land_completion(s, n, Job.UNDO, False)


@action("worker", given=_learns_completion)
def learn_undo_success(s: State, n: Node) -> None:
    """The worker of {n} records in memory the success of its undo action, which is durable."""
    learn_completion(s, n, Job.UNDO, True)


@action("worker", given=_learns_completion)
def learn_undo_failure(s: State, n: Node) -> None:
    """The worker of {n} records in memory the failure of its undo action, which is durable."""
    learn_completion(s, n, Job.UNDO, False)


WORKERS = (
    record_start,
    learn_start,
    take_effect,
    succeed,
    fail,
    record_success,
    record_failure,
    learn_success,
    learn_failure,
    record_undo_start,
    learn_undo_start,
    remove_effect,
    succeed_undo,
    fail_undo,
    record_undo_success,
    record_undo_failure,
    learn_undo_success,
    learn_undo_failure,
)

STORE = (
    start_lands,
    late_start_lands_on_success,
    late_start_lands_on_failure,
    success_lands,
    failure_lands,
    undo_start_lands,
    late_undo_start_lands_on_success,
    late_undo_start_lands_on_failure,
    undo_success_lands,
    undo_failure_lands,
)

LOOP_LEARNS = (take_start, take_undo_start)
