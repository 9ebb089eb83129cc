"""What the tests of the executor share: time that jumps, actions that do as they are told, stores that can fail."""

from __future__ import annotations

import asyncio
import gc
import selectors
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, NoReturn, TypeVar

from sagaref import ActionContext, ActionRegistry, Dag, DagBuilder, Executor, MemoryStore, Retry, Saga, action

__all__ = ["Between", "Hanging", "Stage", "hang", "raising", "returning", "run", "started"]

T = TypeVar("T")
Trick = Callable[[ActionContext], Awaitable[Any]]


# Time ---------------------------------------------------------------------------------------------------------------


class Hanging(AssertionError):  # noqa: N818
    """Everybody waits, and for nothing that will ever come."""


class _Jumping(selectors.SelectSelector):
    """Where its loop would sleep, the clock of the loop jumps; where it would sleep for ever, the test fails."""

    loop: JumpingLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if events or timeout == 0:
            return events
        if timeout is None:
            raise Hanging
        self.loop.now += max(timeout, 0)
        return events


class Watched(asyncio.SelectorEventLoop):
    """A loop that keeps what loops otherwise only log: exceptions that nobody looked at, tasks that were destroyed."""

    def __init__(self, selector: selectors.BaseSelector | None = None) -> None:
        super().__init__(selector)
        self.complaints: list[str] = []

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.complaints.append(f"{context.get('message')}: {context.get('exception')!r}")


class JumpingLoop(Watched):
    """A loop without a clock, for code that does no I/O: nothing takes time, and whoever hangs is found out."""

    def __init__(self) -> None:
        self.now = 0.0
        selector = _Jumping()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.now


def run(work: Coroutine[Any, Any, T], loop: type[Watched] = JumpingLoop, leaving: int = 0) -> T:
    """Run this to its end, and insist that nobody complains.

    Args:
        work: what to run.
        loop: `Watched` is for what waits for threads.
        leaving: how many tasks it leaves behind.
    """
    made: list[Watched] = []
    gc.freeze()  # what is older need not be looked through for garbage

    def make() -> Watched:
        made.append(loop())
        return made[0]

    with asyncio.Runner(loop_factory=make) as runner:
        result = runner.run(work)
        left = [task.get_name() for task in asyncio.all_tasks(made[0])]
        assert len(left) == leaving, left
    gc.collect()
    gc.unfreeze()
    assert made[0].complaints == []
    return result


# Actions ------------------------------------------------------------------------------------------------------------


def raising(error: BaseException) -> Trick:
    """An action that fails of this."""

    async def trick(_: ActionContext) -> NoReturn:
        raise error

    return trick


def returning(value: Any) -> Trick:
    """An action with this output."""

    async def trick(_: ActionContext) -> Any:
        return value

    return trick


async def hang(_: ActionContext) -> NoReturn:
    """An action that does not end."""
    await asyncio.Event().wait()
    raise AssertionError


class Stage:
    """Actions, and what became of them.

    Args:
        store: for executors; a new one in memory unless given.
        tricks: what an action (`a`) or an undo action (`undo a`) does, by the label of its node; without, it succeeds.

    Attributes:
        registry: has the action `act`, which has an undo action, `bare`, which has none, and `brief`, with a timeout
            of 5 seconds.
        ran: every run of an action or undo action, in order.
        begun: is set when it runs.
    """

    def __init__(self, store: Any = None, **tricks: Trick) -> None:
        self.store = MemoryStore() if store is None else store
        self.tricks = {name.replace("undo_", "undo "): trick for name, trick in tricks.items()}
        self.ran: list[str] = []
        self.begun: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self.registry = ActionRegistry()
        self.registry.register("act", self._do, self._undo)
        self.registry.register("bare", self._do)
        self.registry.register("brief", self._do, self._undo, timeout=5)

    async def _do(self, context: ActionContext) -> Any:
        return await self._act(context.label, context)

    async def _undo(self, context: ActionContext) -> Any:
        return await self._act(f"undo {context.label}", context)

    async def _act(self, what: str, context: ActionContext) -> Any:
        self.ran.append(what)
        self.begun[what].set()
        trick = self.tricks.get(what)
        return f"output of {what}" if trick is None else await trick(context)

    def dag(self, *groups: str, name: str = "saga") -> Dag:
        """A saga of `act`s: a group is names with blanks between; `a:bare` is a node of another action."""
        builder = DagBuilder(name)
        for group in groups:
            pairs = [(one + ":act").split(":")[:2] for one in group.split()]
            builder.append_parallel(*(action(node, act) for node, act in pairs))
        return builder.build(self.registry)

    def executor(self, **options: Any) -> Executor:
        """A new executor on the store, which repeats what failed transiently after a second."""
        return Executor(self.store, self.registry, **{"retry": Retry(first=1.0), **options})


async def started(executor: Executor, dag: Dag, saga_id: str = "s") -> Saga:
    """A saga that runs."""
    saga = await executor.create(dag, saga_id=saga_id)
    await saga.start()
    return saga


# Stores -------------------------------------------------------------------------------------------------------------


class Between:
    """A store before each of whose calls something else is awaited, which may raise, or hang."""

    def __init__(self, store: Any, before: Callable[..., Awaitable[None]]) -> None:
        self._store = store
        self.before = before

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        method = getattr(self._store, name)

        async def call(*args: Any, **options: Any) -> Any:
            await self.before(name, *args)
            return await method(*args, **options)

        return call
