"""The durable log of one saga, as its owner writes it: with its generation, and again when the store fails transiently."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from sagaref._errors import StoreError, TransientStoreError
from sagaref._log import LogEntry
from sagaref._store import CachedState, Store

__all__ = ["DurableLog", "Retry", "insist"]

T = TypeVar("T")


@dataclass(frozen=True)
class Retry:
    """How often a call of the store is repeated that failed transiently.

    Attributes:
        first: seconds before the first repetition; each pause is `factor` times the one before, and at most `most`.
        attempts: how many calls before the failure counts as permanent; None: as many as it takes.
    """

    first: float = 0.01
    factor: float = 2.0
    most: float = 1.0
    attempts: int | None = None


class DurableLog:
    """Appends to the log of one saga for one generation of it.

    Attributes:
        trouble: why the store failed last, while a write is being repeated; "" otherwise.
    """

    def __init__(self, store: Store, saga_id: str, generation: int, retry: Retry) -> None:
        self._store = store
        self._saga_id = saga_id
        self._generation = generation
        self._retry = retry
        self.trouble = ""

    async def append(self, entry: LogEntry) -> None:
        """Make an event durable.

        Raises:
            Superseded: the saga belongs to a later generation.
            StoreError: the store failed for good.
        """
        await insist(lambda: self._store.append(self._saga_id, self._generation, entry), self._retry, self._tell)

    async def update(self, state: CachedState) -> None:
        """Make the cached state durable. Raises as `append` does."""
        await insist(lambda: self._store.update(self._saga_id, self._generation, state), self._retry, self._tell)

    def _tell(self, trouble: str) -> None:
        self.trouble = trouble


async def insist(call: Callable[[], Awaitable[T]], retry: Retry, tell: Callable[[str], None]) -> T:
    """Call the store, and again while it fails transiently.

    Args:
        call: what to call.
        retry: how often, and after which pauses.
        tell: is told the trouble after each failure that is repeated, and "" after the success that follows.

    Raises:
        StoreError: the store failed for good.
    """
    pause, attempt = retry.first, 0
    while True:
        attempt += 1
        try:
            result = await call()
        except TransientStoreError as error:
            if attempt == retry.attempts:
                raise StoreError(f"the store failed {attempt} times, at last with: {error}") from error
            tell(str(error))
            await asyncio.sleep(pause)
            pause = min(pause * retry.factor, retry.most)
        else:
            if attempt > 1:
                tell("")
            return result
