"""The execution of one saga by one executor: the loop, the workers, and the end.

The loop is one task, each worker another, and a task group holds them all: whoever fails for good ends everybody, as a
crash of the process would, and what is durable stays. What is recorded when is not decided here but in `_recorder`.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, ClassVar

from sagaref._actions import ActionRegistry
from sagaref._breakpoints import Breakpoints
from sagaref._cause import Cause
from sagaref._dag import Dag
from sagaref._durable import DurableLog
from sagaref._faults import Faults
from sagaref._log import Event, Load, LogEntry
from sagaref._memory import Memory
from sagaref._perform import Performer
from sagaref._points import DO, Hook, Point
from sagaref._recorder import Recorder, Start
from sagaref._recovery import ALLOWED_PARENTS, rebuild
from sagaref._status import Ending, Failure, SagaResult, SagaStatus, snapshot
from sagaref._store import TakenSaga

__all__ = ["Execution"]


class Execution:
    """One saga, taken from the store and rebuilt from its log.

    Args:
        taken: the saga.
        dag: its DAG, checked.
        registry, resources: for its actions.
        log: its durable log.
        faults, breakpoints: what its user does to it.
        hook: awaited at injection points.

    Attributes:
        memory, recorder, performer: what it works with.
        stopped: why it stopped before its end, or "".
        resting: whether the loop has come to rest.

    Raises:
        ValueError: the log cannot be recovered, or has an output that is not JSON; the text says why.
        Inconsistent: an assertion failed during recovery.
    """

    # What it is made of; a design that is wrong on purpose replaces one of these.
    memory_class: ClassVar[type[Memory]] = Memory
    recorder_class: ClassVar[type[Recorder]] = Recorder
    allowed_parents: ClassVar[Any] = ALLOWED_PARENTS

    def __init__(
        self,
        taken: TakenSaga,
        dag: Dag,
        registry: ActionRegistry,
        resources: Any,
        log: DurableLog,
        faults: Faults,
        breakpoints: Breakpoints,
        hook: Hook | None,
    ) -> None:
        self.saga_id = taken.record.saga_id
        self.dag = dag
        self.log = log
        self.faults = faults
        self.breakpoints = breakpoints
        self.stopped = ""
        self.resting = False
        self._hook = hook
        self._main: asyncio.Task[Any] | None = None
        self.memory = self.memory_class(dag)
        rebuild(self.memory, taken.log, self.allowed_parents)
        _check_outputs(dag, taken.log)
        self.recorder = self.recorder_class(self.memory, log, None if hook is None else self._reach)
        self.performer = Performer(self.saga_id, dag, registry, self.memory.node_outputs, resources, faults)

    async def _reach(self, step: str, n: int | None) -> None:
        assert self._hook is not None
        label = "" if n is None else self.dag.labels[n]
        await self._hook(Point(step, self.saga_id, n, label, self.status))

    def status(self) -> SagaStatus:
        """The saga now: no lock, no wait, no exception."""
        return snapshot(
            self.saga_id,
            self.memory,
            stopped=self.stopped,
            trouble=self.log.trouble,
            held=tuple(self.dag.labels[n] for n, _ in self.breakpoints.held),
            injections=self.faults.injections,
        )

    # The loop and the workers -------------------------------------------------------------------------------------

    async def run(self) -> SagaResult:
        """Run the saga until it rests.

        Raises:
            StoreError: the store failed for good, or another executor has taken the saga (Superseded).
            NoSuchSaga: the store does not have the saga any more.
            Inconsistent: an assertion failed.
            RuntimeError: a worker was cancelled by somebody else.
        """
        self._main = asyncio.current_task()
        failure: BaseException | None = None
        try:
            async with asyncio.TaskGroup() as workers:
                try:
                    await self._loop(workers)
                finally:
                    self._main = None  # from now on workers may be cancelled
        except BaseExceptionGroup as group:
            failure = _first(group)
        if failure is not None:
            raise failure
        return self.result()

    async def _loop(self, workers: asyncio.TaskGroup) -> None:
        recorder, memory = self.recorder, self.memory
        at_its_end = memory.is_done  # then it only writes the cached state again
        while not memory.is_done:
            for start in await recorder.kick_off():
                workers.create_task(self._work(start))
            if await recorder.take(await recorder.inbox.get()):
                await recorder.unwinding()
        if not at_its_end:
            await recorder.finish()
        await recorder.done()
        await recorder.read_result()
        self.resting = True

    async def _work(self, start: Start) -> None:
        try:
            await self._node(start)
        except asyncio.CancelledError:
            if not self._ending():
                # A task group does not mind, and the loop would wait for the report of this worker for ever.
                label = self.dag.labels[start.node]
                raise RuntimeError(f"the worker of {label} was cancelled by somebody else") from None
            raise

    def _ending(self) -> bool:
        """Whether the saga is being stopped, so that workers are cancelled."""
        return self._main is None or self._main.cancelling() > 0

    async def _node(self, start: Start) -> None:
        n, job, do = start.node, start.job, start.job is DO
        await self.breakpoints.before(n, undo=not do)
        await self.recorder.start(start)
        outcome = await (self.performer.do(n) if do else self.performer.undo(n))
        if self._hook is not None:
            await self._reach(job.succeed if outcome.ok else job.fail, n)
        await self.recorder.complete(start, outcome)

    # The end ------------------------------------------------------------------------------------------------------

    def result(self) -> SagaResult:
        """How the saga ended; asked when it rests."""
        memory, labels = self.memory, self.dag.labels
        kept = {n: text for n, text in memory.node_outputs.items() if memory.log_copy[n] is Load.SUCCEEDED}
        unstuck = Ending.UNWOUND if memory.nodes_undone else Ending.SUCCEEDED
        ending = Ending.STUCK if memory.undo_errors else unstuck
        return SagaResult(
            self.saga_id,
            self.dag.name,
            ending,
            json.loads(kept[self.dag.end]) if ending is Ending.SUCCEEDED else None,
            {labels[n]: json.loads(kept[n]) for n in self.dag.topological if n in kept and self.dag.nodes[n].name},
            self._failure(memory.node_errors),
            self._failure(memory.undo_errors),
            self.faults.injections,
        )

    def _failure(self, errors: dict[int, str]) -> Failure | None:
        """The first of these errors."""
        for n, text in errors.items():
            cause = Cause.read(text)
            return Failure(n, self.dag.labels[n], cause.error, cause.message, cause.detail)
        return None


def _check_outputs(dag: Dag, log: tuple[LogEntry, ...]) -> None:
    for entry in log:
        if entry.event is Event.SUCCEEDED:
            try:
                json.loads(entry.data)
            except (ValueError, RecursionError) as error:
                raise ValueError(f"its log has an output of {dag.labels[entry.node]} that is not JSON") from error


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first failure of the loop or a worker; those after it came while everybody was being stopped."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
