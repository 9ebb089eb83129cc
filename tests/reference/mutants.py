"""Mutants of the reference executor: each has one axis of the design changed, by an override of one class.

A counterexample of the checker is followed to its violation by the mutant of its design, and by no other executor: that
is how the model's claims become claims about running code. `MUTANTS` has an adapter for each design that violates
something, by the design's name. Designs several axes away compose the overrides.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from sagaref._adapter import Adapter
from sagaref._errors import Assertion, Inconsistent
from sagaref._execution import Execution
from sagaref._log import Load
from sagaref._memory import Memory, NodeState, Phase
from sagaref._points import DO, Job
from sagaref._recorder import Outcome, Recorder, Report, Start
from sagaref._recovery import ALLOWED_PARENTS

__all__ = ["MUTANTS"]


def of(job: Job, do: str, undo: str) -> str:
    """The name of a step, for an action or for an undo action."""
    return do if job is DO else undo


# start=durable-first ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Started(Report):
    """A worker tells the loop that its start is durable, and waits until the loop has taken that."""

    taken: asyncio.Future[None]


class StartDurableFirst(Recorder):
    """Memory learns of a start only after it is durable."""

    def begin(self, n: int, job: Job) -> Start:
        again = self.memory.log_copy[n] is (Load.STARTED if job is DO else Load.UNDO_STARTED)
        self.memory.node_tasks.add(n)
        return Start(n, job, again)

    async def write_start(self, start: Start) -> None:
        await super().write_start(start)
        assert self.reach is not None
        await self.reach(of(start.job, "take_start", "take_undo_start"), start.node)
        taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.inbox.put_nowait(Started(start.node, start.job, Outcome(True, "null"), taken))
        await taken

    async def take(self, report: Report) -> bool:
        while isinstance(report, Started):
            self.memory.record(report.node, report.job.start)
            report.taken.set_result(None)
            report = await self.inbox.get()
        return await super().take(report)


# completion=memory-first ------------------------------------------------------------------------------------------


class CompletionMemoryFirst(Recorder):
    """A completion is reported, and taken, before it is durable."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._taken: dict[tuple[int, Job], asyncio.Event] = {}

    async def complete(self, start: Start, outcome: Outcome) -> None:
        taken = self._taken[start.node, start.job] = asyncio.Event()
        await self.report(start, outcome)
        await taken.wait()
        await self.write_completion(start, outcome)

    async def take(self, report: Report) -> bool:
        try:
            return await super().take(report)
        finally:
            self._taken[report.node, report.job].set()


# intent=after -----------------------------------------------------------------------------------------------------


class IntentAfter(Recorder):
    """The start is written after the action ran, just before its completion."""

    async def start(self, start: Start) -> None:
        pass

    async def write_completion(self, start: Start, outcome: Outcome) -> None:
        if not start.again:
            end = "success" if outcome.ok else "failure"
            late = Start(start.node, _late(start.job, end), again=False)
            await super().write_start(late)
        await super().write_completion(start, outcome)


def _late(job: Job, end: str) -> Job:
    """The job with another name for the step in which its start lands."""
    return replace(job, start_lands=f"{of(job, 'late_start', 'late_undo_start')}_lands_on_{end}")


# What takes the lock: lock-across-io=yes, rest=try-lock, writer=split -----------------------------------------------


class Busy(enum.Enum):
    """Assertions that the conforming executor does not have."""

    LOCK_BUSY = "coming to rest: the lock, taken without waiting, is held by somebody"
    RESULT_BUSY = "result: the lock, taken without waiting, is held by somebody"


_FREE_OF_LOCK = ("start_lands", "success_lands", "failure_lands", "unwinding_lands", "done_lands", "join")


class Locked(Recorder):
    """There is a lock on memory, which somebody may hold for longer than a step; who changes memory waits for it."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.lock = "FREE"
        self._unlocked = asyncio.Event()
        self._hook, self.reach = self.reach, self._reach_and_wait

    async def _reach_and_wait(self, step: str, n: int | None) -> None:
        assert self._hook is not None
        await self._hook(step, n)
        if not step.endswith(_FREE_OF_LOCK):
            await self.free(step)

    async def free(self, step: str) -> None:
        """Return when nobody holds the lock; `step` wants it."""
        while self.lock != "FREE":
            self._unlocked.clear()
            await self._unlocked.wait()

    def release(self) -> None:
        self.lock = "FREE"
        self._unlocked.set()


class Announced(Locked):
    """A worker takes the lock to record, in a step of its own."""

    async def start(self, start: Start) -> None:
        if not start.again:
            await self.announce(start, "record_start", "record_undo_start")
        await super().start(start)

    async def complete(self, start: Start, outcome: Outcome) -> None:
        end = "success" if outcome.ok else "failure"
        await self.announce(start, f"record_{end}", f"record_undo_{end}")
        await super().complete(start, outcome)

    async def announce(self, start: Start, do: str, undo: str) -> None:
        assert self.reach is not None
        await self.reach(of(start.job, do, undo), start.node)


class LockAcrossIo(Locked):
    """Each durable write of a worker is made with the lock held."""

    async def write_start(self, start: Start) -> None:
        self.lock = "WORKER"
        await super().write_start(start)
        self.release()

    async def write_completion(self, start: Start, outcome: Outcome) -> None:
        self.lock = "WORKER"
        await super().write_completion(start, outcome)
        self.release()


class TryLock(Locked):
    """Coming to rest, the loop insists that nobody holds the lock, which an observer in another thread may."""

    async def free(self, step: str) -> None:
        if self.lock != "FREE" and step in ("finish", "read_result"):
            raise Inconsistent(Busy.LOCK_BUSY if step == "finish" else Busy.RESULT_BUSY)
        await super().free(step)


# writer=split -----------------------------------------------------------------------------------------------------


class Split(Announced):
    """The worker changes the log copy, the loop the rest of memory, in different critical sections."""

    taken: Report | None = None  # by the loop, which has not propagated it yet

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        if self.memory.is_done:
            self.lock = "LOOP"

    def begin(self, n: int, job: Job) -> Start:
        self.memory.node_tasks.add(n)
        return Start(n, job, again=False)

    async def start(self, start: Start) -> None:
        await self.announce(start, "record_start", "record_undo_start")
        if self.memory.log_copy[start.node] is (Load.STARTED if start.job is DO else Load.UNDO_STARTED):
            return
        self.memory.record(start.node, start.job.start)
        await self.write_start(start)

    async def report(self, start: Start, outcome: Outcome) -> None:
        end = "success" if outcome.ok else "failure"
        await self.announce(start, f"learn_{end}", f"learn_undo_{end}")
        self.memory.record(start.node, start.job.success if outcome.ok else start.job.failure)
        await super().report(start, outcome)

    async def take(self, report: Report) -> bool:
        assert self.reach is not None
        self.memory.remove_task(report.node)
        self.taken = report
        await self.reach("join", None)
        end = "success" if report.outcome.ok else "failure"
        await self.reach(of(report.job, f"propagate_{end}", f"propagate_undo_{end}"), report.node)
        self.taken = None
        began = self.propagate(report)
        if began:
            self.lock = "LOOP"  # the cached state is written in the same critical section
        return began

    async def unwinding(self) -> None:
        await super().unwinding()
        self.release()

    async def finish(self) -> None:
        await super().finish()
        self.lock = "LOOP"

    async def done(self) -> None:
        await super().done()
        self.release()


class SplitMemoryFirst(Split):
    """And the worker records its completion in memory before it is durable."""

    async def complete(self, start: Start, outcome: Outcome) -> None:
        end = "success" if outcome.ok else "failure"
        await self.announce(start, f"record_{end}", f"record_undo_{end}")
        self.memory.record(start.node, start.job.success if outcome.ok else start.job.failure)
        await self.write_completion(start, outcome)
        await Recorder.report(self, start, outcome)


# Memory and recovery: stuck=once, revisit=panic, recovery=strict ----------------------------------------------------


class StuckOnce(Memory):
    """An undo action may fail in an unwinding saga only, and so only one."""

    def may_get_stuck(self) -> bool:
        return self.phase is Phase.UNWINDING


class RevisitPanics(Memory):
    """The walk insists that it never comes to a parent that has been dealt with."""

    def revisit(self, p: int, state: NodeState) -> None:
        raise Inconsistent(Assertion.REVISITED)


STRICT: Mapping[Load, frozenset[Load]] = {
    **ALLOWED_PARENTS,
    Load.NEVER_STARTED: frozenset((Load.NEVER_STARTED, Load.STARTED, Load.SUCCEEDED, Load.FAILED)),
}


class Steno461Memory(RevisitPanics, StuckOnce):
    """Both."""


class Steno041Recorder(TryLock, LockAcrossIo, SplitMemoryFirst):
    """Worker and loop both write memory, with the lock held across I/O."""


class LockAcrossIoAlone(LockAcrossIo, Announced):
    """The conforming order, with the lock held across I/O."""


# Adapters: what can be held and seen in a mutant --------------------------------------------------------------------

_STAGES = {
    "record_start": "RECORD_START",
    "record_success": "RECORD_OK",
    "record_failure": "RECORD_FAIL",
    "learn_start": "LEARN_START",
    "take_start": "LEARN_START",
    "learn_success": "LEARN_OK",
    "learn_failure": "LEARN_FAIL",
    "late_start_lands_on_success": "START_OK",
    "late_start_lands_on_failure": "START_FAIL",
    "propagate_success": "TAKEN_OK",
    "propagate_failure": "TAKEN_FAIL",
}


def _undo(step: str) -> str:
    first, rest = step.split("_", 1)
    return f"late_undo_{rest.removeprefix('late_')}" if first == "late" else f"{first}_undo_{rest}"


_PROPAGATE = tuple(f"propagate_{job}{end}" for job in ("", "undo_") for end in ("success", "failure"))


class MutantAdapter(Adapter):
    """Shows what a mutant has beside the conforming executor: its further steps, and the lock."""

    memory: type[Memory] = Memory
    recorder: type[Recorder] = Recorder
    allowed: Mapping[Load, frozenset[Load]] = ALLOWED_PARENTS
    points = (*Adapter.points, *_STAGES, *map(_undo, _STAGES), "join", "end_status")
    loop_points: ClassVar = {**Adapter.loop_points, "join": "JOIN", **dict.fromkeys(_PROPAGATE, "PROPAGATE")}
    do_points: ClassVar = {**Adapter.do_points, **_STAGES}
    undo_points: ClassVar = {**Adapter.undo_points, **{_undo(step): stage for step, stage in _STAGES.items()}}
    reports = Adapter.reports | {"take_start", "take_undo_start"}

    def __init__(self) -> None:
        super().__init__()

        class Mutated(Execution):
            memory_class = self.memory
            recorder_class = self.recorder
            allowed_parents = self.allowed

        self.execution_class = Mutated  # type: ignore[misc]

    def memory_state(self, execution: Execution) -> dict[str, Any]:
        return {**super().memory_state(execution), "lock": getattr(execution.recorder, "lock", "FREE")}

    def actors(self) -> dict[str, Any]:
        seen = super().actors()
        taken = getattr(self.execution.recorder, "taken", None) if self.execution else None
        if taken is not None:
            stage = "TAKEN_OK" if taken.outcome.ok else "TAKEN_FAIL"
            seen["work" if taken.job is DO else "undo_work"][taken.node] = stage
        return seen

    def observer_offers(self) -> set[tuple[str, int | None]]:
        assert self.execution is not None
        lock = getattr(self.execution.recorder, "lock", "FREE")
        return {("ask_status", None)} if lock == "FREE" else set()


class TryLockAdapter(MutantAdapter):
    """An observer holds the lock between asking for the status and having it."""

    recorder = TryLock

    def observer_offers(self) -> set[tuple[str, int | None]]:
        assert self.execution is not None
        holds = getattr(self.execution.recorder, "lock", "FREE") == "OBSERVER"
        return {("end_status", None)} if holds else super().observer_offers()

    def ask_status(self) -> None:
        super().ask_status()
        self._locked().lock = "OBSERVER"

    def _take(self, step: str, n: int | None) -> bool:
        if step != "end_status":
            return super()._take(step, n)
        self._locked().release()
        self._idle()
        return True

    def _locked(self) -> Locked:
        assert self.execution is not None
        assert isinstance(self.execution.recorder, Locked)
        return self.execution.recorder


class SplitAdapter(MutantAdapter):
    """writer=split."""

    recorder = Split


class StartDurableFirstAdapter(MutantAdapter):
    """start=durable-first."""

    recorder = StartDurableFirst


class CompletionMemoryFirstAdapter(MutantAdapter):
    """completion=memory-first."""

    recorder = CompletionMemoryFirst


class LockAcrossIoAdapter(MutantAdapter):
    """lock-across-io=yes."""

    recorder = LockAcrossIoAlone


class StrictAdapter(MutantAdapter):
    """recovery=strict."""

    allowed = STRICT


class IntentAfterAdapter(MutantAdapter):
    """intent=after."""

    recorder = IntentAfter


class StuckOnceAdapter(MutantAdapter):
    """stuck=once."""

    memory = StuckOnce


class Steno461And462Adapter(TryLockAdapter):
    """steno-461-462."""

    memory = Steno461Memory
    internal = ("test_parent",)


class Steno461Adapter(Steno461And462Adapter):
    """steno-461."""

    allowed = STRICT


class Steno041Adapter(Steno461Adapter):
    """steno-0.4.1."""

    recorder = Steno041Recorder


MUTANTS: Mapping[str, type[MutantAdapter]] = {
    "steno-0.4.1": Steno041Adapter,
    "steno-461": Steno461Adapter,
    "steno-461-462": Steno461And462Adapter,
    "conforming writer=split": SplitAdapter,
    "conforming start=durable-first": StartDurableFirstAdapter,
    "conforming completion=memory-first": CompletionMemoryFirstAdapter,
    "conforming lock-across-io=yes": LockAcrossIoAdapter,
    "conforming recovery=strict": StrictAdapter,
    "conforming intent=after": IntentAfterAdapter,
    "conforming stuck=once": StuckOnceAdapter,
    "conforming rest=try-lock": TryLockAdapter,
}
