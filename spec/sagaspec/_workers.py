"""The workers and the store: one worker a node in flight, its durable writes, the run of its action or undo action.

A worker of an action and one of an undo action take the same steps; each step is written once (the procedures, with
`job`) and named twice. `land` is the store's step: a pending durable write takes effect, and the worker goes on. That
it goes on in the same step, unlocks and reports to the loop, loses nothing: until the loop takes the report, nobody can
tell. Reports are taken in any order, for the same reason.
"""

from __future__ import annotations

import enum

from sagacheck.language import action, procedure, require
from sagaspec._memory import Event, alive, lock_free, panic_if, record
from sagaspec._state import (
    Load,
    Lock,
    Node,
    Panic,
    Runs,
    Stage,
    State,
    Writer,
    has_undo,
    may_fail,
    may_fail_undo,
)

__all__ = ["LOOP_LEARNS", "STORE", "WORKERS", "Job", "go", "issue_completion", "spawn", "stage"]


class Job(enum.Enum):
    """What a worker is for: (its start event, success, failure, the status that spares it the start, the panic)."""

    DO = (Event.STARTED, Event.SUCCEEDED, Event.FAILED, Load.STARTED, Panic.BAD_START)
    UNDO = (Event.UNDO_STARTED, Event.UNDO_FINISHED, Event.UNDO_FAILED, Load.UNDO_STARTED, Panic.BAD_UNDO_START)


def stage(s: State, n: Node, job: Job) -> Stage:
    return s.work[n] if job is Job.DO else s.undo_work[n]


@procedure
def go(s: State, n: Node, job: Job, stage: Stage) -> None:
    if job is Job.DO:
        s.work[n] = stage
    else:
        s.undo_work[n] = stage


@procedure
def begin_run(s: State, n: Node, job: Job) -> None:
    """The worker of n runs its action (undo action)."""
    go(s, n, job, Stage.RUN)
    if job is Job.DO:
        s.runs[n] = Runs.ONCE if s.runs[n] == Runs.NO else Runs.TWICE
    else:
        s.undo_runs[n] = Runs.ONCE if s.undo_runs[n] == Runs.NO else Runs.TWICE


@procedure
def spawn(s: State, n: Node, job: Job) -> None:
    """The loop, in its critical section, starts a worker; with `writer=single` it records the start, memory first."""
    start, _, _, started, _ = job.value
    design = s.design
    s.node_tasks[n] = True
    if design.split:
        go(s, n, job, Stage.RECORD_START)
    else:
        if s.log_copy[n] == started:  # recovered as already started
            begin_run(s, n, job)
        elif design.intent_after:
            s.log_copy[n] = start.value[1]
            begin_run(s, n, job)
        else:
            if not design.start_durable_first:
                s.log_copy[n] = start.value[1]
            go(s, n, job, Stage.RECORD_START if design.lock_across_io else Stage.WRITE_START)


@procedure
def _hold(s: State) -> None:
    """The worker issues a durable write; with `lock-across-io=yes` it keeps the lock until that has landed."""
    if s.design.lock_across_io:
        s.lock = Lock.WORKER


@procedure
def _release(s: State) -> None:
    if s.design.lock_across_io:
        s.lock = Lock.FREE


@procedure
def _append(s: State, n: Node, event: Event) -> None:
    """The event of n is in the durable log; once out of order, the log of n is no legal sequence for ever."""
    before, after = event.value
    s.log[n] = after if s.log[n] == before else Load.ILLEGAL
    s.log_writer = Writer.WORKER


# Starting --------------------------------------------------------------------------------------------------------


@procedure
def _record_start(s: State, n: Node, job: Job) -> None:
    start, _, _, started, bad = job.value
    require(alive(s) and lock_free(s))
    require(stage(s, n, job) == Stage.RECORD_START)
    if s.design.split:
        again = s.log_copy[n] == started
        panic_if(s, not again and s.log_copy[n] != start.value[0], bad)
        if again:
            begin_run(s, n, job)
        else:
            if not s.design.start_durable_first:
                record(s, n, start, Writer.WORKER)
            if s.design.intent_after:
                begin_run(s, n, job)
            else:
                go(s, n, job, Stage.WRITE_START)
                _hold(s)
    else:
        go(s, n, job, Stage.WRITE_START)
        _hold(s)


@procedure
def _start_lands(s: State, n: Node, job: Job) -> None:
    start = job.value[0]
    require(alive(s))
    require(stage(s, n, job) == Stage.WRITE_START)
    _append(s, n, start)
    _release(s)
    if not s.design.start_durable_first:
        begin_run(s, n, job)
    elif s.design.split and s.design.lock_across_io:  # memory learns before the lock is let go
        record(s, n, start, Writer.WORKER)
        begin_run(s, n, job)
    else:
        go(s, n, job, Stage.LEARN_START)


@procedure
def _learn_start(s: State, n: Node, job: Job) -> None:
    require(alive(s) and lock_free(s))
    require(stage(s, n, job) == Stage.LEARN_START)
    record(s, n, job.value[0], Writer.WORKER if s.design.split else Writer.LOOP)
    begin_run(s, n, job)


# Running ---------------------------------------------------------------------------------------------------------


@procedure
def _end_run(s: State, n: Node, job: Job, ok: bool) -> None:
    """The action has returned: on to recording its completion."""
    design = s.design
    if design.split or (design.lock_across_io and not design.completion_memory_first):
        go(s, n, job, Stage.RECORD_OK if ok else Stage.RECORD_FAIL)
    elif design.completion_memory_first:
        go(s, n, job, Stage.SENT_OK if ok else Stage.SENT_FAIL)
    else:
        issue_completion(s, n, job, ok)


@procedure
def issue_completion(s: State, n: Node, job: Job, ok: bool) -> None:
    """The worker issues the durable write of its completion; with `intent=after`, that of the start before it."""
    write, start_first = (Stage.WRITE_OK, Stage.START_OK) if ok else (Stage.WRITE_FAIL, Stage.START_FAIL)
    if s.design.intent_after:
        started = s.log[n] == job.value[3]  # recovered as already started
        go(s, n, job, write if started else start_first)
    else:
        go(s, n, job, write)
    _hold(s)


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
    _end_run(s, n, Job.DO, True)


@action("worker")
def fail(s: State, n: Node) -> None:
    """The action of {n} fails.

    Under the contract of actions it leaves no effect, nor one of an interrupted earlier run of itself.
    """
    require(alive(s) and may_fail(n))
    require(s.work[n] == Stage.RUN)
    if s.contract:
        s.effect[n] = False
    _end_run(s, n, Job.DO, False)


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
    _end_run(s, n, Job.UNDO, True)


@action("worker")
def fail_undo(s: State, n: Node) -> None:
    """The undo action of {n} fails; the effect stands."""
    require(alive(s) and may_fail_undo(n))
    require(s.undo_work[n] == Stage.RUN and s.effect[n])
    _end_run(s, n, Job.UNDO, False)


# Completing ------------------------------------------------------------------------------------------------------


@procedure
def _record_completion(s: State, n: Node, job: Job, ok: bool) -> None:
    event = job.value[1] if ok else job.value[2]
    require(alive(s) and lock_free(s))
    require(stage(s, n, job) == (Stage.RECORD_OK if ok else Stage.RECORD_FAIL))
    if s.design.split and s.design.completion_memory_first:
        record(s, n, event, Writer.WORKER)
    issue_completion(s, n, job, ok)


@procedure
def _late_start_lands(s: State, n: Node, job: Job, ok: bool) -> None:
    require(alive(s))
    require(stage(s, n, job) == (Stage.START_OK if ok else Stage.START_FAIL))
    _append(s, n, job.value[0])
    go(s, n, job, Stage.WRITE_OK if ok else Stage.WRITE_FAIL)


@procedure
def _completion_lands(s: State, n: Node, job: Job, ok: bool) -> None:
    event = job.value[1] if ok else job.value[2]
    design = s.design
    sent = Stage.SENT_OK if ok else Stage.SENT_FAIL
    require(alive(s))
    require(stage(s, n, job) == (Stage.WRITE_OK if ok else Stage.WRITE_FAIL))
    _append(s, n, event)
    _release(s)
    if design.completion_memory_first:
        go(s, n, job, sent if design.split else Stage.NONE)
    elif design.split and design.lock_across_io:
        record(s, n, event, Writer.WORKER)
        go(s, n, job, sent)
    elif design.split:
        go(s, n, job, Stage.LEARN_OK if ok else Stage.LEARN_FAIL)
    else:
        go(s, n, job, sent)


@procedure
def _learn_completion(s: State, n: Node, job: Job, ok: bool) -> None:
    require(alive(s) and lock_free(s))
    require(stage(s, n, job) == (Stage.LEARN_OK if ok else Stage.LEARN_FAIL))
    record(s, n, job.value[1] if ok else job.value[2], Writer.WORKER)
    go(s, n, job, Stage.SENT_OK if ok else Stage.SENT_FAIL)


# The steps by name -----------------------------------------------------------------------------------------------


@action("worker", given=lambda p: p.design.split or p.design.lock_across_io)
def record_start(s: State, n: Node) -> None:
    """The worker of {n} takes the lock to record the start."""
    _record_start(s, n, Job.DO)


@action("store", given=lambda p: not p.design.intent_after)
def start_lands(s: State, n: Node) -> None:
    """`started` of {n} is in the durable log."""
    _start_lands(s, n, Job.DO)


@action("loop", given=lambda p: p.design.start_durable_first and not p.design.split)
def take_start(s: State, n: Node) -> None:
    """The loop learns that the start of {n} is durable."""
    _learn_start(s, n, Job.DO)


@action("worker", given=lambda p: p.design.start_durable_first and p.design.split and not p.design.lock_across_io)
def learn_start(s: State, n: Node) -> None:
    """The worker of {n} records in memory the start that is durable."""
    _learn_start(s, n, Job.DO)


@action("worker", given=lambda p: _records(p.design))
def record_success(s: State, n: Node) -> None:
    """The worker of {n} takes the lock to record success."""
    _record_completion(s, n, Job.DO, True)


@action("worker", given=lambda p: _records(p.design))
def record_failure(s: State, n: Node) -> None:
    """The worker of {n} takes the lock to record failure."""
    _record_completion(s, n, Job.DO, False)


@action("store", given=lambda p: p.design.intent_after)
def late_start_lands_on_success(s: State, n: Node) -> None:
    """`started` of {n} is in the durable log, after its action succeeded."""
    _late_start_lands(s, n, Job.DO, True)


@action("store", given=lambda p: p.design.intent_after)
def late_start_lands_on_failure(s: State, n: Node) -> None:
    """`started` of {n} is in the durable log, after its action failed."""
    _late_start_lands(s, n, Job.DO, False)


@action("store")
def success_lands(s: State, n: Node) -> None:
    """`succeeded` of {n} is in the durable log."""
    _completion_lands(s, n, Job.DO, True)


@action("store")
def failure_lands(s: State, n: Node) -> None:
    """`failed` of {n} is in the durable log."""
    _completion_lands(s, n, Job.DO, False)


@action("worker", given=lambda p: _learns(p.design))
def learn_success(s: State, n: Node) -> None:
    """The worker of {n} records in memory the success that is durable."""
    _learn_completion(s, n, Job.DO, True)


@action("worker", given=lambda p: _learns(p.design))
def learn_failure(s: State, n: Node) -> None:
    """The worker of {n} records in memory the failure that is durable."""
    _learn_completion(s, n, Job.DO, False)


@action("worker", given=lambda p: p.design.split or p.design.lock_across_io)
def record_undo_start(s: State, n: Node) -> None:
    """The worker of {n} takes the lock to record the start of its undo action."""
    _record_start(s, n, Job.UNDO)


@action("store", given=lambda p: not p.design.intent_after)
def undo_start_lands(s: State, n: Node) -> None:
    """`undo_started` of {n} is in the durable log."""
    _start_lands(s, n, Job.UNDO)


@action("loop", given=lambda p: p.design.start_durable_first and not p.design.split)
def take_undo_start(s: State, n: Node) -> None:
    """The loop learns that the start of the undo action of {n} is durable."""
    _learn_start(s, n, Job.UNDO)


@action("worker", given=lambda p: p.design.start_durable_first and p.design.split and not p.design.lock_across_io)
def learn_undo_start(s: State, n: Node) -> None:
    """The worker of {n} records in memory the start of its undo action, which is durable."""
    _learn_start(s, n, Job.UNDO)


@action("worker", given=lambda p: _records(p.design))
def record_undo_success(s: State, n: Node) -> None:
    """The worker of {n} takes the lock to record that its undo action succeeded."""
    _record_completion(s, n, Job.UNDO, True)


@action("worker", given=lambda p: _records(p.design))
def record_undo_failure(s: State, n: Node) -> None:
    """The worker of {n} takes the lock to record that its undo action failed."""
    _record_completion(s, n, Job.UNDO, False)


@action("store", given=lambda p: p.design.intent_after)
def late_undo_start_lands_on_success(s: State, n: Node) -> None:
    """`undo_started` of {n} is in the durable log, after its undo action succeeded."""
    _late_start_lands(s, n, Job.UNDO, True)


@action("store", given=lambda p: p.design.intent_after)
def late_undo_start_lands_on_failure(s: State, n: Node) -> None:
    """`undo_started` of {n} is in the durable log, after its undo action failed."""
    _late_start_lands(s, n, Job.UNDO, False)


@action("store")
def undo_success_lands(s: State, n: Node) -> None:
    """`undo_finished` of {n} is in the durable log."""
    _completion_lands(s, n, Job.UNDO, True)


@action("store")
def undo_failure_lands(s: State, n: Node) -> None:
    """`undo_failed` of {n} is in the durable log."""
    _completion_lands(s, n, Job.UNDO, False)


@action("worker", given=lambda p: _learns(p.design))
def learn_undo_success(s: State, n: Node) -> None:
    """The worker of {n} records in memory the success of its undo action, which is durable."""
    _learn_completion(s, n, Job.UNDO, True)


@action("worker", given=lambda p: _learns(p.design))
def learn_undo_failure(s: State, n: Node) -> None:
    """The worker of {n} records in memory the failure of its undo action, which is durable."""
    _learn_completion(s, n, Job.UNDO, False)


def _records(design: object) -> bool:
    """Whether a worker takes the lock for its completion."""
    return bool(getattr(design, "split", False) or getattr(design, "lock_across_io", False))


def _learns(design: object) -> bool:
    """Whether memory learns of a completion in a step after it is durable."""
    split, memory_first = getattr(design, "split", False), getattr(design, "completion_memory_first", False)
    return bool(split and not memory_first and not getattr(design, "lock_across_io", False))


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
