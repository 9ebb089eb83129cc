"""Who records what, where, and in which order: the heart of the executor, and the one class that owns memory.

Memory is changed by the loop only, the durable log by the workers only. Start events are recorded in memory first,
then durably, and only then does the action run: a node whose action may have run never looks, after a crash, as if it
had not started. Completion events are durable first, then reported to the loop, then in memory: a dependent never
becomes runnable on a completion that a crash could take back. Each method that changes memory is one critical section:
it does not await in between. (Steno #461; the properties StartMemoryFirst, CompletionDurableFirst, WriteAheadIntent,
SingleWriter and NoTornState of the specification.)
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sagaref._durable import DurableLog
from sagaref._errors import Assertion, Inconsistent
from sagaref._log import Load, LogEntry
from sagaref._memory import Memory, Phase, Undone
from sagaref._points import DO, UNDO, Job
from sagaref._store import CachedState

__all__ = ["Outcome", "Reach", "Recorder", "Report", "Start"]

# Awaited where an actor is about to take the step of this name, for this node.
Reach = Callable[[str, int | None], Awaitable[None]]


@dataclass(frozen=True)
class Outcome:
    """How a run ended: with an output, or with the cause of a failure; JSON text."""

    ok: bool
    data: str


@dataclass(frozen=True)
class Start:
    """A worker to be started; `again` says that its start event is recorded already, by a process that died."""

    node: int
    job: Job
    again: bool


@dataclass(frozen=True)
class Report:
    """What a worker tells the loop: how the run of its node ended."""

    node: int
    job: Job
    outcome: Outcome


class Recorder:
    """Records the events of one saga.

    Attributes:
        memory: the live state of the saga.
        log: its durable log.
        inbox: the reports that the loop has not taken yet.
        reach: the hook; None where there is none.
    """

    def __init__(self, memory: Memory, log: DurableLog, reach: Reach | None) -> None:
        self.memory = memory
        self.log = log
        self.inbox: asyncio.Queue[Report] = asyncio.Queue()
        self.reach = reach

    # The loop's critical sections ---------------------------------------------------------------------------------

    async def kick_off(self) -> list[Start]:
        """Take what is queued off the queues, and record the starts in memory. Raises Inconsistent."""
        if self.reach is not None:
            await self.reach("kick_off", None)
        memory = self.memory
        memory.check_queues()
        starts: list[Start] = []
        if not memory.stopping:
            starts += [self.begin(n, DO) for n in memory.queue_todo]
            memory.queue_todo.clear()
            if memory.phase is Phase.UNWINDING:
                starts += [self.begin(n, UNDO) for n in memory.queue_undo]
                memory.queue_undo.clear()
        return starts

    def begin(self, n: int, job: Job) -> Start:
        """The worker of n is about to be started: there is a task, and memory knows of the start."""
        again = self.memory.log_copy[n] is (Load.STARTED if job is DO else Load.UNDO_STARTED)
        self.memory.node_tasks.add(n)
        if not again:
            self.memory.record(n, job.start)
        return Start(n, job, again)

    async def take(self, report: Report) -> bool:
        """Remove the task, record the completion and propagate it: one critical section, without an await.

        Returns:
            Whether this began the unwinding, so that the cached state is to be written.

        Raises:
            Inconsistent: an assertion failed.
        """
        self.memory.remove_task(report.node)
        self.memory.record(report.node, report.job.success if report.outcome.ok else report.job.failure)
        return self.propagate(report)

    def propagate(self, report: Report) -> bool:
        """What a completion does to the rest of memory; the result and the error are those of `take`."""
        memory, n, data = self.memory, report.node, report.outcome.data
        if report.job is DO and report.outcome.ok:
            memory.done(n, data)
        elif report.job is DO:
            return memory.failed(n, data)
        elif report.outcome.ok:
            memory.undone(n, Undone.UNDONE)
        else:
            memory.undo_failed(n, data)
        return False

    # The loop's writes of the cached state, and its rest ----------------------------------------------------------

    async def unwinding(self) -> None:
        """Make it durable that the saga unwinds. Raises StoreError."""
        if self.reach is not None:
            await self.reach("unwinding_lands", None)
        await self.log.update(CachedState.UNWINDING)

    async def finish(self) -> None:
        """Come to rest."""
        if self.reach is not None:
            await self.reach("finish", None)

    async def done(self) -> None:
        """Make it durable that the saga is done. Raises StoreError."""
        if self.reach is not None:
            await self.reach("done_lands", None)
        await self.log.update(CachedState.DONE)

    async def read_result(self) -> None:
        """Insist, before the result is read, that a saga which did not succeed has a cause. Raises Inconsistent."""
        if self.reach is not None:
            await self.reach("read_result", None)
        undone = self.memory.undo_errors or self.memory.dag.start in self.memory.nodes_undone
        if undone and not self.memory.node_errors:
            raise Inconsistent(Assertion.NO_CAUSE)

    # The workers' writes ------------------------------------------------------------------------------------------

    async def start(self, start: Start) -> None:
        """Make the start durable, after which the action may run. Raises StoreError."""
        if not start.again:
            await self.write_start(start)

    async def write_start(self, start: Start) -> None:
        """The durable write of a start. Raises StoreError."""
        if self.reach is not None:
            await self.reach(start.job.start_lands, start.node)
        await self.log.append(LogEntry(start.node, start.job.start))

    async def complete(self, start: Start, outcome: Outcome) -> None:
        """Make the completion durable, and only then report it to the loop. Raises StoreError."""
        await self.write_completion(start, outcome)
        await self.report(start, outcome)

    async def write_completion(self, start: Start, outcome: Outcome) -> None:
        """The durable write of a completion. Raises StoreError."""
        n, job = start.node, start.job
        if self.reach is not None:
            await self.reach(job.success_lands if outcome.ok else job.failure_lands, n)
        await self.log.append(LogEntry(n, job.success if outcome.ok else job.failure, outcome.data))

    async def report(self, start: Start, outcome: Outcome) -> None:
        """Tell the loop how a run ended."""
        n, job = start.node, start.job
        if self.reach is not None:
            await self.reach(job.take_success if outcome.ok else job.take_failure, n)
        self.inbox.put_nowait(Report(n, job, outcome))
