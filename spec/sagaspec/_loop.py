"""The executor's loop: start what is queued, take a completion, propagate it, come to rest.

With `writer=single` a completion is taken in one critical section: task, log copy and maps move together. With
`writer=split` there are two, as in steno 0.4.1: the task is removed, the task is joined, and only then is the
completion propagated; the log copy has long been changed by the worker.
"""

from __future__ import annotations

from sagacheck.language import action, procedure, require
from sagaspec._jobs import Job, go, issue_completion, spawn, stage
from sagaspec._memory import (
    after_propagation,
    alive,
    done,
    failed,
    lock_free,
    mark_undone,
    panic_if,
    record,
    remove_task,
    undo_failed,
)
from sagaspec._state import START, Load, Lock, Node, Panic, Pc, Phase, Stage, State, Undone, Writer, nodes

__all__ = ["LOOP", "LOOP_AT_REST", "STORE_OF_LOOP"]


@action("loop")
def kick_off(s: State) -> None:
    """The loop starts a worker for every queued node."""
    require(alive(s) and lock_free(s))
    require(s.pc == Pc.KICK_OFF)
    if not s.design.split:
        fresh, unfinished = (Load.NEVER_STARTED, Load.STARTED), (Load.SUCCEEDED, Load.UNDO_STARTED)
        panic_if(s, any(s.queue_todo[n] and s.log_copy[n] not in fresh for n in nodes()), Panic.BAD_START)
        panic_if(s, any(s.queue_undo[n] and s.log_copy[n] not in unfinished for n in nodes()), Panic.BAD_UNDO_START)
    for n in nodes():
        if not s.stopping and s.queue_todo[n]:
            spawn(s, n, Job.DO)
            s.queue_todo[n] = False
    for m in nodes():
        if not s.stopping and s.phase == Phase.UNWINDING and s.queue_undo[m]:
            spawn(s, m, Job.UNDO)
            s.queue_undo[m] = False
    s.memory_writer = Writer.LOOP
    s.pc = Pc.RECEIVE


@procedure
def _propagate(s: State, n: Node, job: Job, ok: bool) -> None:
    if job is Job.DO and ok:
        done(s, n)
        after_propagation(s, False)
    elif job is Job.DO:
        failed(s, n)
    elif ok:
        mark_undone(s, n, Undone.UNDONE, False)
    else:
        undo_failed(s, n)


@procedure
def _take(s: State, n: Node, job: Job, ok: bool) -> None:
    """The loop takes a report; with `writer=single` it records and propagates it in the same critical section."""
    require(alive(s) and lock_free(s))
    require(s.pc == Pc.RECEIVE and stage(s, n, job) == (Stage.SENT_OK if ok else Stage.SENT_FAIL))
    remove_task(s, n)
    if s.design.split:
        go(s, n, job, Stage.TAKEN_OK if ok else Stage.TAKEN_FAIL)
        s.memory_writer = Writer.LOOP
        s.pc = Pc.JOIN
    else:
        record(s, n, job.value[1] if ok else job.value[2], Writer.LOOP)
        if not s.design.completion_memory_first:
            go(s, n, job, Stage.NONE)
        elif s.design.lock_across_io:
            go(s, n, job, Stage.RECORD_OK if ok else Stage.RECORD_FAIL)
        else:
            issue_completion(s, n, job, ok)
        _propagate(s, n, job, ok)


@procedure
def _propagate_later(s: State, n: Node, job: Job, ok: bool) -> None:
    require(alive(s) and lock_free(s))
    require(s.pc == Pc.PROPAGATE and stage(s, n, job) == (Stage.TAKEN_OK if ok else Stage.TAKEN_FAIL))
    go(s, n, job, Stage.NONE)
    s.memory_writer = Writer.LOOP
    _propagate(s, n, job, ok)


@action("loop")
def take_success(s: State, n: Node) -> None:
    """The loop takes the report that {n} succeeded."""
    _take(s, n, Job.DO, True)


@action("loop")
def take_failure(s: State, n: Node) -> None:
    """The loop takes the report that {n} failed."""
    _take(s, n, Job.DO, False)


@action("loop")
def take_undo_success(s: State, n: Node) -> None:
    """The loop takes the report that {n} is undone."""
    _take(s, n, Job.UNDO, True)


@action("loop")
def take_undo_failure(s: State, n: Node) -> None:
    """The loop takes the report that the undo action of {n} failed."""
    _take(s, n, Job.UNDO, False)


@action("loop", given=lambda p: p.design.split)
def join(s: State) -> None:
    """The loop joins the worker's task."""
    require(alive(s))
    require(s.pc == Pc.JOIN)
    s.pc = Pc.PROPAGATE


@action("loop", given=lambda p: p.design.split)
def propagate_success(s: State, n: Node) -> None:
    """The loop propagates the success of {n}."""
    _propagate_later(s, n, Job.DO, True)


@action("loop", given=lambda p: p.design.split)
def propagate_failure(s: State, n: Node) -> None:
    """The loop propagates the failure of {n}."""
    _propagate_later(s, n, Job.DO, False)


@action("loop", given=lambda p: p.design.split)
def propagate_undo_success(s: State, n: Node) -> None:
    """The loop propagates that {n} is undone."""
    _propagate_later(s, n, Job.UNDO, True)


@action("loop", given=lambda p: p.design.split)
def propagate_undo_failure(s: State, n: Node) -> None:
    """The loop propagates that the undo action of {n} failed."""
    _propagate_later(s, n, Job.UNDO, False)


# Coming to rest --------------------------------------------------------------------------------------------------


@action("store")
def unwinding_lands(s: State) -> None:
    """The cached state Unwinding is durable."""
    require(alive(s))
    require(s.pc == Pc.WRITE_UNWINDING)
    if s.design.split:
        s.lock = Lock.FREE
    s.pc = Pc.FINISH if s.phase == Phase.DONE else Pc.KICK_OFF


@action("loop")
def finish(s: State) -> None:
    """The loop comes to rest and writes the cached state Done."""
    require(alive(s) and (s.design.try_lock or lock_free(s)))
    require(s.pc == Pc.FINISH)
    if s.design.try_lock:
        panic_if(s, not lock_free(s), Panic.LOCK_BUSY)
    if s.design.split:
        s.lock = Lock.LOOP
    s.pc = Pc.WRITE_DONE


@action("store")
def done_lands(s: State) -> None:
    """The cached state Done is durable."""
    require(alive(s))
    require(s.pc == Pc.WRITE_DONE)
    if s.design.split:
        s.lock = Lock.FREE
    s.pc = Pc.RESULT


@action("loop")
def read_result(s: State) -> None:
    """The result of the saga is read."""
    require(alive(s) and (s.design.try_lock or lock_free(s)))
    require(s.pc == Pc.RESULT)
    if s.design.try_lock:
        panic_if(s, not lock_free(s), Panic.RESULT_BUSY)
    undone = any(s.undo_errors[n] for n in nodes()) or s.nodes_undone[START] != Undone.NO
    panic_if(s, undone and not any(s.node_errors[n] for n in nodes()), Panic.NO_CAUSE)
    s.pc = Pc.REST


LOOP = (
    kick_off,
    take_success,
    take_failure,
    take_undo_success,
    take_undo_failure,
    join,
    propagate_success,
    propagate_failure,
    propagate_undo_success,
    propagate_undo_failure,
)
LOOP_AT_REST = (finish, read_result)
STORE_OF_LOOP = (unwinding_lands, done_lands)
