"""The executor, and what is broken on purpose: each variant by one override, and each shown by a counter of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from mutants import STRICT, CompletionMemoryFirst, IntentAfter
from sagaref import Executor, LogEntry, Store, TakenSaga
from sagaref._execution import Execution

from ._judge import EARLY, GONE, LOST, RUN_AGAIN, STANDING
from ._watched import WrappedStore

__all__ = ["GOOD", "VARIANTS", "Variant"]


@dataclass(frozen=True)
class Variant:
    """An executor on a store.

    Attributes:
        what: is different from what it should be.
        shows: the counter that says so, which must not be 0; "" if all must be.
        executor: the class of the executor.
        store: what is put around the store.
    """

    what: str
    shows: str
    executor: type[Executor] = Executor
    store: Callable[[Store], Store] = lambda store: store


def _executor(execution: type[Execution]) -> type[Executor]:
    class Broken(Executor):
        execution_class = execution

    return Broken


class _IntentAfter(Execution):
    recorder_class = IntentAfter


class _CompletionMemoryFirst(Execution):
    recorder_class = CompletionMemoryFirst


class _Strict(Execution):
    allowed_parents = STRICT


class _Lagging(WrappedStore):
    """As a read from a replica that has not had the last write."""

    async def take(self, saga_id: str) -> TakenSaga:
        taken = await super().take(saga_id)
        return replace(taken, log=taken.log[:-1])


class _Eager(WrappedStore):
    """As one that leaves the commit to a queue."""

    async def append(self, saga_id: str, generation: int, entry: LogEntry) -> None:
        later = asyncio.ensure_future(super().append(saga_id, generation, entry))
        later.add_done_callback(lambda done: done.cancelled() or done.exception())


GOOD = Variant("the reference executor as it is", "")

VARIANTS: Mapping[str, Variant] = {
    "intent=after": Variant("a start is written after the action ran", STANDING, _executor(_IntentAfter)),
    "recovery=strict": Variant("recovery refuses logs that crashes leave", LOST, _executor(_Strict)),
    "store=lagging": Variant("recovery reads the log without its last event", RUN_AGAIN, store=_Lagging),
    "completion=memory-first": Variant(
        "dependents start before a completion is durable", EARLY, _executor(_CompletionMemoryFirst)
    ),
    "store=eager": Variant("the store acknowledges an event before it commits it", GONE, store=_Eager),
}
