"""A saga in its user's hands: start it, look at it, wait for it, break it on purpose, hold it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from sagaref._breakpoints import Breakpoints
from sagaref._dag import Dag, Kind
from sagaref._errors import BuildError, Inconsistent, SagaError, SagaStopped, StoreError
from sagaref._execution import Execution
from sagaref._faults import Faults
from sagaref._memory import Memory
from sagaref._status import SagaResult, SagaStatus, snapshot

__all__ = ["Saga"]

Take = Callable[[str, Faults, Breakpoints], Awaitable[Execution]]


class Saga:
    """One saga of an executor, which makes it; nodes are named by index, label, or a name that only one node has.

    Attributes:
        saga_id: its id.
        dag: what it runs.
    """

    def __init__(self, saga_id: str, dag: Dag, take: Take) -> None:
        self.saga_id = saga_id
        self.dag = dag
        self._take = take
        self._faults = Faults()
        self._breakpoints = Breakpoints()
        self._execution: Execution | None = None
        self._task: asyncio.Task[SagaResult] | None = None
        self._starting = asyncio.Lock()
        self._ended: list[Callable[[], object]] = []

    # Running ------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take the saga and let it run; one that runs already is left as it is.

        Raises:
            NoSuchSaga: the store does not have it any more.
            Unrecoverable: its log, its DAG or the registered actions do not allow it.
            StoreError: the store failed for good.
        """
        async with self._starting:
            if self._task is None:
                try:
                    self._execution = await self._take(self.saga_id, self._faults, self._breakpoints)
                except SagaError:
                    self._end()
                    raise
                self._task = asyncio.create_task(self._run(self._execution), name=f"saga {self.saga_id}")
                self._task.add_done_callback(self._settle)

    async def _run(self, execution: Execution) -> SagaResult:
        try:
            return await execution.run()
        except (StoreError, Inconsistent) as error:
            execution.stopped = str(error)
            raise SagaStopped(self.saga_id, str(error)) from error
        except asyncio.CancelledError:
            execution.stopped = "its executor was closed"
            raise SagaStopped(self.saga_id, execution.stopped) from None

    def _settle(self, task: asyncio.Task[SagaResult]) -> None:
        if not task.cancelled():
            task.exception()  # looked at: nobody has to wait for a saga
        self._end()

    def _end(self) -> None:
        for told in self._ended:
            told()

    def when_ended(self, told: Callable[[], object]) -> None:
        """Call this when the saga has come to rest, or has been stopped."""
        self._ended.append(told)

    @property
    def ended(self) -> bool:
        """Whether the saga has come to rest, or has been stopped."""
        return self._task is not None and self._task.done()

    async def wait(self) -> SagaResult:
        """The result, once the saga rests. Cancelling the wait does not touch the saga.

        Raises:
            SagaStopped: the saga stopped before its end; `__cause__` says why.
            RuntimeError: it was never started.
        """
        if self._task is None:
            raise RuntimeError(f"saga {self.saga_id} was never started, so nothing is to be waited for")
        await asyncio.wait([self._task])
        if self._task.cancelled():  # before its first step
            raise SagaStopped(self.saga_id, "its executor was closed")
        return self._task.result()

    async def stop(self) -> None:
        """Stop the saga as a crash would: what runs is cancelled, what is durable stays."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])

    def status(self) -> SagaStatus:
        """The saga now, as a frozen value: it waits for nothing, and never raises."""
        if self._execution is not None:
            return self._execution.status()
        return snapshot(self.saga_id, Memory(self.dag), injections=self._faults.injections)

    def cancel(self, node: int | str) -> bool:
        """Cancel the action, or the undo action, of this node that runs now, which makes it fail.

        Returns:
            Whether one was running.

        Raises:
            BuildError: there is no such node.
        """
        n = self.dag.select(node)
        return self._execution is not None and self._execution.performer.cancel(n)

    # Faults -------------------------------------------------------------------------------------------------------

    def inject_error(self, node: int | str) -> None:
        """The action of this node is to fail instead of running. Raises BuildError: no such node, or no action."""
        n = self._action(node)
        self._faults.error(n, self.dag.labels[n])

    def inject_undo_error(self, node: int | str) -> None:
        """The undo action of this node is to fail instead of running; without one, it is never reached.

        Raises:
            BuildError: there is no such node, or it is no action.
        """
        n = self._action(node)
        self._faults.undo_error(n, self.dag.labels[n])

    def inject_repeat(self, node: int | str, *, do: int = 1, undo: int = 1) -> None:
        """The action of this node is to run `do` times, its undo action `undo` times: are they idempotent?

        Raises:
            BuildError: there is no such node, or it is no action, or a count is less than 1.
        """
        n = self._action(node)
        if do < 1 or undo < 1:
            raise BuildError(f"{self.dag.labels[n]} cannot run {min(do, undo)} times; repeat it once or more")
        self._faults.repeat(n, self.dag.labels[n], do, undo)

    def _action(self, node: int | str) -> int:
        n = self.dag.select(node)
        if self.dag.nodes[n].kind is not Kind.ACTION:
            raise BuildError(f"{self.dag.labels[n]} is no action, so nothing can be injected into it")
        return n

    # Pause, step, breakpoints -------------------------------------------------------------------------------------

    def pause(self) -> None:
        """Hold every node before it starts, or starts to be undone; what runs goes on to its end."""
        self._breakpoints.pause()

    def break_at(self, node: int | str, *, undo: bool = False) -> None:
        """Hold this node before it starts (with `undo`: before it starts to be undone). Raises BuildError."""
        self._breakpoints.add(self.dag.select(node), undo=undo)

    def clear_break(self, node: int | str, *, undo: bool = False) -> None:
        """Hold this node no more; one that is held stays so until `step` or `go`. Raises BuildError."""
        self._breakpoints.remove(self.dag.select(node), undo=undo)

    def step(self, node: int | str | None = None) -> str | None:
        """Let one held node go: this one, or the one that was held first.

        Returns:
            Its label; None if none is held.

        Raises:
            BuildError: there is no such node.
        """
        let_go = self._breakpoints.step(None if node is None else self.dag.select(node))
        return None if let_go is None else self.dag.labels[let_go[0]]

    def go(self) -> None:
        """End the pause and let everybody go who is held; breakpoints stay."""
        self._breakpoints.go()

    async def wait_held(self) -> bool:
        """Return when a node is held, or when the saga has ended; whether a node is held. Raises as `wait` does not."""
        if self._task is None:
            raise RuntimeError(f"saga {self.saga_id} was never started, so nothing is to be waited for")
        held = asyncio.ensure_future(self._breakpoints.wait_held())
        try:
            await asyncio.wait([held, self._task], return_when=asyncio.FIRST_COMPLETED)
            return held.done()
        finally:
            held.cancel()
