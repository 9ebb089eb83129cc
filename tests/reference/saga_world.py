"""What the stateful test runs the executor in: a loop that stops when idle, gates, and stores that fail when told to.

Every action waits at a gate until the test opens it, and so does every write on its way to the store while writes are
held. So the test decides who goes on next and where an executor is when it dies, and nothing depends on a clock.
"""

from __future__ import annotations

import asyncio
import selectors
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from random_sagas import digest
from saga_model import Hand, Model, Violation, insist
from sagaref import (
    ActionContext,
    ActionFailed,
    CachedState,
    Event,
    Executor,
    LogEntry,
    Point,
    SagaRecord,
    Store,
    StoreError,
    TakenSaga,
    TransientStoreError,
)

__all__ = ["Client", "Gate", "World", "do", "undo"]

T = TypeVar("T")

Write = Callable[[], Awaitable[None]]


class _Selector(selectors.DefaultSelector):
    """Stops its loop where that would wait for anything but a call of a store."""

    loop: asyncio.AbstractEventLoop | None = None
    calls = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """See `selectors.BaseSelector.select`."""
        if timeout is not None and timeout <= 0:
            return super().select(timeout)
        events = super().select(0)
        if not events and self.calls:
            events = super().select(30 if timeout is None else timeout)
            insist(events or timeout is not None, "a store does not answer")
        elif not events and self.loop is not None:
            self.loop.stop()
        return events


@dataclass(eq=False)
class Gate:
    """Where an action, or a write, waits.

    Attributes:
        saga_id, client, node: whose; -1 for a write of the cached state.
        what: "do", "undo", "cleanup", or the event or cached state that is to be written.
        opened: what it was opened with: whether the run succeeds; None: as planned.
        write: what is to be written; None for an action.
    """

    saga_id: str
    client: int
    node: int
    what: str
    opened: asyncio.Future[bool | None]
    write: Write | None

    def open(self, fate: bool | None = None) -> None:
        """Let whoever waits here go on."""
        self.opened.set_result(fate)


class World:
    """All sagas, all executors, and the loop that they run on.

    Attributes:
        models: the sagas, by id.
        clients: the executors that may still do something.
        stores: the stores that are to be closed.
        seen: what happened, and how often.
        hold_writes: whether writes wait at gates.
        failure: how the next call of a store fails: "", "before" or "after" its effect; "before for good" and "after
            for good" wait for a write.
    """

    def __init__(self, seen: Counter[str]) -> None:
        self.seen = seen
        self._selector = _Selector()
        self.loop = asyncio.SelectorEventLoop(self._selector)
        self._selector.loop = self.loop
        self.loop.set_exception_handler(lambda _, context: self._lost.append(context))
        self.models: dict[str, Model] = {}
        self.clients: list[Client] = []
        self.stores: list[Store] = []
        self.hold_writes = False
        self.failure = ""
        self._gates: list[Gate] = []
        self._lost: list[dict[str, Any]] = []
        self._violation: Violation | None = None

    # Running ------------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Let everybody go on until everybody waits at a gate, is held, or is at an end."""
        self.loop.run_forever()
        if self._violation is not None:
            raise self._violation
        insist(not self._lost, f"an exception was lost: {self._lost}")

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """What a coroutine returns that waits for no gate."""
        task = self.loop.create_task(coroutine)
        self.settle()
        insist(task.done(), f"this does not return: {coroutine}")
        return task.result()

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Keep a violation: whoever raises it is called by the executor, which takes it for something else."""
        try:
            yield
        except Violation as violation:
            self._violation = self._violation or violation
            raise

    async def call(self, call: Awaitable[T]) -> T:
        """What a call of a store returns; it goes on where its caller is cancelled."""
        task = asyncio.ensure_future(call)
        self._selector.calls += 1
        task.add_done_callback(self._called)
        return await asyncio.shield(task)

    def _called(self, task: asyncio.Future[Any]) -> None:
        self._selector.calls -= 1
        if not task.cancelled():
            task.exception()

    def close(self) -> None:
        """Close every executor; nothing of them goes on."""
        for client in self.clients:
            client.close_soon()
            self.run(client.executor.close())
        left = asyncio.all_tasks(self.loop)
        insist(not left, f"tasks are left over: {left}")

    def put_away(self) -> None:
        """Let go of everything, wherever it is."""
        for client in self.clients:
            client.close_soon()
        while tasks := asyncio.all_tasks(self.loop):
            for task in tasks:
                task.cancel()
            self.loop.run_forever()
        for store in self.stores:
            self.loop.create_task(self.call(store.close()))
            self.loop.run_forever()
        self.loop.close()

    # Gates --------------------------------------------------------------------------------------------------------

    @property
    def gates(self) -> list[Gate]:
        """Every gate at which somebody waits, in an order that does not depend on who came first."""
        waiting = (gate for gate in self._gates if not gate.opened.done())
        return sorted(waiting, key=lambda gate: (gate.saga_id, gate.client, gate.node, gate.what))

    def gates_of(self, hand: Hand, saga_id: str) -> list[Gate]:
        """The gates at which the workers, or the loop, of one executor wait."""
        return [gate for gate in self.gates if (gate.saga_id, gate.client) == (saga_id, hand.client)]

    async def gate(self, saga_id: str, client: int, node: int, what: str, write: Write | None = None) -> bool | None:
        """Wait until the gate is opened; what it was opened with."""
        gate = Gate(saga_id, client, node, what, self.loop.create_future(), write)
        self._gates.append(gate)
        try:
            return await gate.opened
        finally:
            self._gates.remove(gate)

    # Looking ------------------------------------------------------------------------------------------------------

    def check(self, reader: Store) -> None:
        """Look at everything; nobody has work to do."""
        for model in self.models.values():
            record = self.run(self.call(reader.get(model.saga_id)))
            model.read(self.run(self.call(reader.log(model.saga_id))))
            model.check_record(record)
            model.check_effects()
            for client in self.clients:
                hand = client.hands.get(model.saga_id)
                if hand is not None and hand.saga is not None:
                    waiting = [(gate.node, gate.what) for gate in self.gates_of(hand, model.saga_id)]
                    model.check_status(hand, waiting)
                    if hand.saga.ended and not hand.ended:
                        hand.ended = True
                        self._check_end(model, hand, record)

    def _check_end(self, model: Model, hand: Hand, record: SagaRecord) -> None:
        assert hand.saga is not None
        try:
            result = self.run(hand.saga.wait())
        except Violation:
            raise
        except Exception as error:
            model.check_stop(hand, error)
            self.seen[f"stopped by {type(error.__cause__).__name__}"] += 1
        else:
            model.check_rest(hand, result, record)
            self.seen[result.ending.value if len(model.results) == 1 else f"{result.ending.value} again"] += 1
            if model.last().count(Event.UNDO_FAILED) > 1:
                self.seen["two undo failures"] += 1
            for fault in result.injections:
                self.seen[f"{fault.kind} {'reached' if fault.reached else 'not reached'}"] += 1
            for failure in (result.failure, result.undo_failure):
                if failure is not None:
                    self.seen[f"{'undo ' * (failure is result.undo_failure)}{failure.error}"] += 1


class Client:
    """An executor and its way to the store: a `Store` with gates and failures, where the model watches.

    Attributes:
        number: which; the sagas of a lower number may have been taken by a higher one.
        inner: the store.
        executor: the executor.
        hands: the sagas that it has, or had, by id.
        closed: whether it has been closed, or is about to be.
    """

    executor: Executor

    def __init__(self, world: World, number: int, inner: Store) -> None:
        self.world = world
        self.number = number
        self.inner = inner
        self.hands: dict[str, Hand] = {}
        self.closed = False

    # The store ----------------------------------------------------------------------------------------------------

    async def create(self, saga_id: str, name: str, dag: str) -> None:
        """See `Store.create`."""
        await self._failing(lambda: self.inner.create(saga_id, name, dag))

    async def take(self, saga_id: str) -> TakenSaga:
        """See `Store.take`."""
        model = self.world.models[saga_id]

        async def take() -> TakenSaga:
            model.generation += 1
            return await self.inner.take(saga_id)

        taken = await self._failing(take)
        with self.world.watch():
            hand = self.hands.get(saga_id)
            if hand is None or hand.generation:
                hand = self.hands[saga_id] = Hand(self.number)
            hand.generation, model.owner = taken.record.generation, self.number
            insist(hand.generation == model.generation, f"taken {model.generation} times: {taken}")
            model.read(taken.log)
            running = {Event.STARTED: False, Event.UNDO_STARTED: True}
            hand.doubt = {(n, running[event]) for n, event in enumerate(model.last()) if event in running}
        return taken

    async def append(self, saga_id: str, generation: int, entry: LogEntry) -> None:
        """See `Store.append`."""
        model, hand, n = self.world.models[saga_id], self.hands[saga_id], entry.node
        undo = entry.event in (Event.UNDO_STARTED, Event.UNDO_FINISHED, Event.UNDO_FAILED)
        with self.world.watch():
            if entry.event in (Event.STARTED, Event.UNDO_STARTED):
                hand.passes(n, undo)
            if entry.event in (Event.FAILED, Event.UNDO_FAILED) and "InjectedError" in entry.data:
                kind = "undo error" if undo else "error"
                insist((kind, n) in hand.faults, f"{n} met a fault that nobody injected")
                hand.faults[kind, n] = True
                if self._owns(model):
                    model.inject(n, undo)
        write = lambda: self.inner.append(saga_id, generation, entry)  # noqa: E731
        await self._write(saga_id, generation, n, entry.event.value, write)

    async def update(self, saga_id: str, generation: int, state: CachedState) -> None:
        """See `Store.update`."""
        write = lambda: self.inner.update(saga_id, generation, state)  # noqa: E731
        await self._write(saga_id, generation, -1, state.value, write)

    async def get(self, saga_id: str) -> SagaRecord:
        """See `Store.get`."""
        return await self._failing(lambda: self.inner.get(saga_id))

    async def log(self, saga_id: str) -> tuple[LogEntry, ...]:
        """See `Store.log`."""
        return await self.world.call(self.inner.log(saga_id))

    async def list(
        self, *, after: str | None = None, limit: int = 100, unfinished: bool = False
    ) -> Sequence[SagaRecord]:
        """See `Store.list`."""
        return await self._failing(lambda: self.inner.list(after=after, limit=limit, unfinished=unfinished))

    async def close(self) -> None:
        """See `Store.close`; nobody but the test calls it."""
        raise Violation("an executor closed its store")

    def close_soon(self) -> None:
        """The executor is about to be closed: its actions are cancelled, and clean up nothing."""
        self.closed = True
        for hand in self.hands.values():
            hand.closed = True

    async def _write(self, saga_id: str, generation: int, n: int, what: str, write: Write) -> None:
        model, hand = self.world.models[saga_id], self.hands[saga_id]

        async def fenced() -> None:
            late = generation < model.generation
            await write()
            insist(not late, f"generation {generation} wrote {what} of {n} after generation {model.generation} began")

        with self.world.watch():
            self._look(hand, model)
            if self.world.hold_writes:
                await self.world.gate(saga_id, self.number, n, what, fenced)
            failure, self.world.failure = self.world.failure, ""
            if not failure.startswith("before"):
                await self.world.call(fenced())
        if failure.endswith("for good"):
            hand.broken = True
            raise StoreError("the disk is gone")
        if failure:
            raise TransientStoreError("the disk is busy")

    async def _failing(self, call: Callable[[], Awaitable[T]]) -> T:
        """A call other than a write."""
        failure = self.world.failure
        if failure not in ("before", "after"):
            return await self.world.call(call())
        self.world.failure = ""
        if failure == "after":
            await self.world.call(call())
        raise TransientStoreError("the disk is busy")

    # Actions and observers ----------------------------------------------------------------------------------------

    async def hook(self, point: Point) -> None:
        """Look at the status wherever an actor can be held."""
        if point.status is not None:
            with self.world.watch():
                self.world.models[point.saga_id].check_snapshot(point.status())

    def _look(self, hand: Hand, model: Model) -> None:
        if hand.saga is not None:
            model.check_snapshot(hand.saga.status())

    async def run(self, ctx: ActionContext, reads: tuple[str, ...], undo: bool) -> Any:
        """A run of an action, or of an undo action."""
        model, hand, n = self.world.models[ctx.saga_id], self.hands[ctx.saga_id], ctx.node
        with self.world.watch():
            hand.runs_once_more(n, undo, self._owns(model))
            if not self._owns(model):
                self.world.seen["a run in an executor that has lost the saga"] += 1
            elif (n, undo) in hand.doubt:
                self.world.seen["an undo action again" if undo else "an action again"] += 1
            if model.dag.scopes[n] != model.dag.start:
                self.world.seen["an undo action in a subsaga" if undo else "an action in a subsaga"] += 1
            self._look(hand, model)
            if self._owns(model):
                model.check_run(await self.log(ctx.saga_id), n, undo)
            output = digest(model.dag.nodes[n].action, ctx.params, [ctx.lookup(name) for name in reads])
            insist(output == model.expected[n], f"{n} was given other inputs: {output}, not {model.expected[n]}")
            insist(not undo or ctx.output == output, f"the undo action of {n} was not given its output")
        if n in model.early:
            self._change(model, n, undo)
        succeeds = await self._fate(model, hand, n, undo)
        if succeeds is None:
            succeeds = n not in (model.undo_fails if undo else model.fails)
        if not succeeds:
            self._fail(model, n, undo)
            raise ActionFailed("as planned", {"node": n})
        self._change(model, n, undo)
        return output

    async def _fate(self, model: Model, hand: Hand, n: int, undo: bool) -> bool | None:
        """Wait for it; who is cancelled cleans up, perhaps slowly, unless it is the executor that stops."""
        what, cancelled = "undo" if undo else "do", 0
        while True:
            try:
                fate = await self.world.gate(model.saga_id, self.number, n, "cleanup" if cancelled else what)
            except asyncio.CancelledError:
                cancelled += 1
                if self.closed or cancelled > hand.cancels.get(n, 0):
                    raise
                if cancelled > 1 or n not in model.slow:
                    self._fail(model, n, undo)
                    raise
            else:
                if not cancelled:
                    return fate
                self._fail(model, n, undo)
                raise asyncio.CancelledError

    def _change(self, model: Model, n: int, undo: bool) -> None:
        """Take the effect, or remove it; who has lost the saga is turned away by whoever keeps the effects."""
        if n in model.effectful and self._owns(model):
            (model.effects.discard if undo else model.effects.add)(n)

    def _fail(self, model: Model, n: int, undo: bool) -> None:
        if self._owns(model):
            model.fail(n, undo)

    def _owns(self, model: Model) -> bool:
        return model.owner == self.number


async def do(reads: tuple[str, ...], ctx: ActionContext) -> Any:
    """Every action; the resources of an executor are its client."""
    return await ctx.resources.run(ctx, reads, undo=False)


async def undo(reads: tuple[str, ...], ctx: ActionContext) -> None:
    """Every undo action."""
    await ctx.resources.run(ctx, reads, undo=True)
