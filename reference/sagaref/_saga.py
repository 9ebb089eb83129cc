"""A saga in its user's hands: start it, look at it, wait for it, break it on purpose, hold it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from sagaref._actions import ActionRegistry
from sagaref._breakpoints import Breakpoints
from sagaref._cause import described
from sagaref._dag import Dag, Kind
from sagaref._errors import BuildError, SagaError, SagaStopped
from sagaref._execution import Execution
from sagaref._faults import ERROR, REPEAT, UNDO_ERROR, UNDO_REPEAT, Faults
from sagaref._memory import Memory
from sagaref._status import SagaResult, SagaStatus, snapshot

__all__ = ["Saga", "Take"]

# Takes a saga from the store: what its user does to it, and who is told of the store's trouble.
Take = Callable[[Faults, Breakpoints, Callable[[str], None]], Awaitable[Execution]]


class Saga:
    """One saga of an executor, which makes it; nodes are named by index, label, or a name that only one node has.

    Args:
        saga_id: its id.
        dag: what it runs.
        registry: the actions.
        take: takes it from the store.
        running: where the saga is as long as it runs.
        prepared: where it is from the first fault, breakpoint or pause on until it has ended, so that these are not
            lost with it where nobody else holds it.
    """

    def __init__(
        self,
        saga_id: str,
        dag: Dag,
        registry: ActionRegistry,
        take: Take,
        running: set[Saga],
        prepared: set[Saga],
    ) -> None:
        self.saga_id = saga_id
        self.dag = dag
        self._registry = registry
        self._take = take
        self._running = running
        self._prepared = prepared
        self._faults = Faults()
        self._breakpoints = Breakpoints()
        self._starting = asyncio.Lock()
        self._trouble = ""
        self._execution: Execution | None = None
        self._task: asyncio.Task[SagaResult] | None = None
        self._stopped = "it was cancelled"

    def __repr__(self) -> str:
        return f"<Saga {self.saga_id} ({self.dag.name})>"

    # Running ------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take the saga and let it run, which it does from the next `await` on.

        One that runs already, or has ended, is left as it is. One that could not be started can be started again.

        Raises:
            NoSuchSaga: the store does not have it.
            Unrecoverable: its log or the registered actions do not allow it.
            StoreError: the store failed for good.
            RuntimeError: its executor is closed.
        """
        async with self._starting:
            if self._task is not None:
                return
            try:
                self._execution = await self._take(self._faults, self._breakpoints, self._tell)
            finally:
                self._trouble = ""
            self._task = asyncio.create_task(self._run(self._execution), name=f"saga {self.saga_id}")
            self._running.add(self)
            self._task.add_done_callback(self._settle)

    def _tell(self, trouble: str) -> None:
        self._trouble = trouble

    async def _run(self, execution: Execution) -> SagaResult:
        try:
            return await execution.run()
        except Exception as error:
            reason = described(error) if isinstance(error, SagaError) else f"{type(error).__name__}: {described(error)}"
            raise SagaStopped(self.saga_id, reason) from error

    def _settle(self, task: asyncio.Task[SagaResult]) -> None:
        self._running.discard(self)
        self._prepared.discard(self)
        assert self._execution is not None
        if task.cancelled():
            self._execution.stopped = self._stopped
        elif isinstance(error := task.exception(), SagaStopped):  # looked at: nobody has to wait for a saga
            self._execution.stopped = error.reason

    @property
    def ended(self) -> bool:
        """Whether the saga has come to rest, or has been stopped."""
        return self._task is not None and self._task.done()

    async def wait(self) -> SagaResult:
        """The result, once the saga rests, for each caller its own. Cancelling the wait does not touch the saga.

        Raises:
            SagaStopped: the saga stopped before its end; `__cause__` is the error of the store or the executor that
                stopped it, or None if somebody did: by `stop`, by closing the executor, by cancelling its task.
            RuntimeError: it was never started.
        """
        task = self._started_task()
        await asyncio.wait([task])
        if task.cancelled():
            raise SagaStopped(self.saga_id, self._stopped)
        error = task.exception()
        if isinstance(error, SagaStopped):
            raise SagaStopped(self.saga_id, error.reason) from error.__cause__
        assert self._execution is not None
        return task.result() if error else self._execution.result()

    def _started_task(self) -> asyncio.Task[SagaResult]:
        if self._task is None:
            raise RuntimeError(f"saga {self.saga_id} was never started, so nothing is to be waited for; start it first")
        return self._task

    async def stop(self, reason: str = "`stop` was called") -> None:
        """Stop the saga as a crash would: what runs is cancelled, what is durable stays; `resume` goes on from there.

        It returns when everything has ended; an action that catches its cancellation is waited for, its output is lost.
        One that does not run is left as it is.
        """
        if self._task is not None and not self._task.done():
            self._stopped = reason
            self._task.cancel()
            await asyncio.wait([self._task])

    def status(self) -> SagaStatus:
        """The saga now, as a frozen value: it waits for nothing, and never raises."""
        if self._execution is not None:
            return self._execution.status()
        injections = self._faults.injections
        memory = Memory(self.dag)
        return snapshot(self.saga_id, memory, started=False, trouble=self._trouble, injections=injections)

    def cancel(self, node: int | str) -> bool:
        """Cancel the action, or the undo action, of this node that runs now, which makes it fail.

        One that catches its cancellation and returns all the same has succeeded.

        Returns:
            Whether one was running.

        Raises:
            BuildError: there is no such node.
        """
        n = self.dag.select(node)
        return self._execution is not None and self._execution.performer.cancel(n)

    def _keep(self) -> None:
        if not self.ended:
            self._prepared.add(self)

    # Faults -------------------------------------------------------------------------------------------------------

    def inject_error(self, node: int | str) -> None:
        """The action of this node is to fail instead of running.

        Raises:
            BuildError: there is no such node, or it is no action.
        """
        n = self._action(node)
        self._faults.fail(ERROR, n, self.dag.labels[n])
        self._keep()

    def inject_undo_error(self, node: int | str) -> None:
        """The undo action of this node is to fail instead of running.

        Raises:
            BuildError: there is no such node, or it is no action, or its action has no undo action.
        """
        n = self._action(node)
        if not self._has_undo(n):
            raise BuildError(f"{self.dag.labels[n]} has no undo action, so no error can be injected into that")
        self._faults.fail(UNDO_ERROR, n, self.dag.labels[n])
        self._keep()

    def inject_repeat(self, node: int | str, *, do: int = 1, undo: int = 1) -> None:
        """The action of this node is to run `do` times, its undo action, if it has one, `undo` times.

        Are they idempotent? The output of the last run counts, and the first run that fails is the last one.

        Raises:
            BuildError: there is no such node, or it is no action, or a count is no whole number above 0.
        """
        n = self._action(node)
        for count in (do, undo):
            if not isinstance(count, int) or count < 1:
                raise BuildError(f"{self.dag.labels[n]} cannot run {count} times; repeat it once or more")
        self._faults.repeat(REPEAT, n, self.dag.labels[n], do)
        self._faults.repeat(UNDO_REPEAT, n, self.dag.labels[n], undo if self._has_undo(n) else 1)
        self._keep()

    def _action(self, node: int | str) -> int:
        n = self.dag.select(node)
        if self.dag.nodes[n].kind is not Kind.ACTION:
            raise BuildError(f"{self.dag.labels[n]} is no action, so nothing can be injected into it")
        return n

    def _has_undo(self, n: int) -> bool:
        return self._registry.get(self.dag.nodes[n].action).undo is not None

    # Pause, step, breakpoints -------------------------------------------------------------------------------------

    def pause(self) -> None:
        """Hold every node before it starts, or starts to be undone; what runs goes on to its end."""
        self._breakpoints.pause()
        self._keep()

    def break_at(self, node: int | str, *, undo: bool = False) -> None:
        """Hold this node before it starts (with `undo`: before it starts to be undone).

        Raises:
            BuildError: there is no such node.
        """
        self._breakpoints.add(self.dag.select(node), undo=undo)
        self._keep()

    def clear_break(self, node: int | str, *, undo: bool = False) -> None:
        """Hold this node no more; one that is held stays so until `step` or `go`.

        Raises:
            BuildError: there is no such node.
        """
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
        """Return when a node is held, or when the saga has ended; whether a node is held.

        Raises:
            RuntimeError: the saga was never started.
        """
        task = self._started_task()
        held = asyncio.create_task(self._breakpoints.wait_held())
        try:
            await asyncio.wait([held, task], return_when=asyncio.FIRST_COMPLETED)
            return held.done()
        finally:
            held.cancel()
