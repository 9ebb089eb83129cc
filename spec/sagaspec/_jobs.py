"""What a worker does, written once for its two jobs: the action of a node, and the undo action of a node.

These are the bodies of the steps that `_workers` names. Where the design leaves out a step, the one before it goes
straight on to the one after: a durable write that needs no lock is issued in the same step that ends what came before.

That a worker goes on, unlocks and reports to the loop in the very step in which its write lands loses nothing: until
the loop takes the report, nobody can tell. Reports are taken in any order, for the same reason.
"""

from __future__ import annotations

import enum

from sagacheck.language import procedure, require
from sagaspec._memory import Event, alive, lock_free, panic_if, record
from sagaspec._state import Load, Lock, Node, Panic, Pc, Runs, Stage, State, Writer

__all__ = [
    "Job",
    "end_run",
    "go",
    "issue_completion",
    "land_completion",
    "land_late_start",
    "land_start",
    "learn_completion",
    "learn_start_of",
    "record_completion",
    "record_start_of",
    "spawn",
    "stage",
]


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
def record_start_of(s: State, n: Node, job: Job) -> None:
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
def land_start(s: State, n: Node, job: Job) -> None:
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
def learn_start_of(s: State, n: Node, job: Job) -> None:
    require(alive(s) and lock_free(s))
    require(stage(s, n, job) == Stage.LEARN_START)
    if not s.design.split:
        require(s.pc == Pc.RECEIVE)
    record(s, n, job.value[0], Writer.WORKER if s.design.split else Writer.LOOP)
    begin_run(s, n, job)


# Running ---------------------------------------------------------------------------------------------------------


@procedure
def end_run(s: State, n: Node, job: Job, ok: bool) -> None:
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


# Completing ------------------------------------------------------------------------------------------------------


@procedure
def record_completion(s: State, n: Node, job: Job, ok: bool) -> None:
    event = job.value[1] if ok else job.value[2]
    require(alive(s) and lock_free(s))
    require(stage(s, n, job) == (Stage.RECORD_OK if ok else Stage.RECORD_FAIL))
    if s.design.split and s.design.completion_memory_first:
        record(s, n, event, Writer.WORKER)
    issue_completion(s, n, job, ok)


@procedure
def land_late_start(s: State, n: Node, job: Job, ok: bool) -> None:
    require(alive(s))
    require(stage(s, n, job) == (Stage.START_OK if ok else Stage.START_FAIL))
    _append(s, n, job.value[0])
    go(s, n, job, Stage.WRITE_OK if ok else Stage.WRITE_FAIL)


@procedure
def land_completion(s: State, n: Node, job: Job, ok: bool) -> None:
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
def learn_completion(s: State, n: Node, job: Job, ok: bool) -> None:
    require(alive(s) and lock_free(s))
    require(stage(s, n, job) == (Stage.LEARN_OK if ok else Stage.LEARN_FAIL))
    record(s, n, job.value[1] if ok else job.value[2], Writer.WORKER)
    go(s, n, job, Stage.SENT_OK if ok else Stage.SENT_FAIL)
