"""The durable log of one saga, as its owner writes it: with its generation, and again after a transient failure."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from sagaref._cause import described, one_line
from sagaref._errors import SagaError, StoreError, TransientStoreError
from sagaref._log import LogEntry
from sagaref._store import CachedState, Store

__all__ = ["DurableLog", "Retry", "insist"]

T = TypeVar("T")
_LOGGER = logging.getLogger("sagaref")


@dataclass(frozen=True)
class Retry:
    """How often a call of the store is repeated that failed transiently.

    Attributes:
        first: seconds before the first repetition; each pause is `factor` times the one before, and at most `most`.
        attempts: how many calls before the failure counts as permanent; None: as many as it takes.

    Raises:
        ValueError: a pause is negative, `factor` is below 1, or there is no attempt.
    """

    first: float = 0.01
    factor: float = 2.0
    most: float = 1.0
    attempts: int | None = None

    def __post_init__(self) -> None:
        if not (self.first >= 0 and self.most >= 0 and self.factor >= 1):
            raise ValueError(f"{self}: pauses must be 0 seconds or more, and must not become shorter")
        if self.attempts is not None and self.attempts < 1:
            raise ValueError(f"{self}: there must be 1 attempt or more")

    def pauses(self) -> Iterator[float]:
        """The seconds before each repetition."""
        pause, attempt = min(self.first, self.most), 1
        while self.attempts is None or attempt < self.attempts:
            yield pause
            pause, attempt = min(pause * self.factor, self.most), attempt + 1


class DurableLog:
    """Appends to the log of one saga for one generation of it."""

    def __init__(self, store: Store, saga_id: str, generation: int, retry: Retry) -> None:
        self._store = store
        self._saga_id = saga_id
        self._generation = generation
        self._retry = retry
        self._troubles: dict[object, str] = {}

    @property
    def trouble(self) -> str:
        """Why the store failed last, of the writes that are being repeated; "" if none is."""
        return next(reversed(self._troubles.values()), "")

    async def append(self, entry: LogEntry) -> None:
        """Make an event durable.

        Raises:
            Superseded: the saga belongs to a later generation.
            NoSuchSaga: the store does not have the saga any more.
            StoreError: the store failed for good.
        """
        what = f"writing {entry.event.value} of node {entry.node} of saga {self._saga_id}"
        await self._insist(what, lambda: self._store.append(self._saga_id, self._generation, entry))

    async def update(self, state: CachedState) -> None:
        """Make the cached state durable. Raises as `append` does."""
        what = f"writing that saga {self._saga_id} is {state.value}"
        await self._insist(what, lambda: self._store.update(self._saga_id, self._generation, state))

    async def _insist(self, what: str, write: Callable[[], Awaitable[None]]) -> None:
        def tell(trouble: str) -> None:
            self._troubles[write] = trouble

        try:
            await insist(what, write, self._retry, tell)
        finally:
            self._troubles.pop(write, None)


async def insist(what: str, call: Callable[[], Awaitable[T]], retry: Retry, tell: Callable[[str], None]) -> T:
    """Call the store, and again while it fails transiently.

    The logger `sagaref` is warned at the first failure, the second, the fourth, and so on.

    Args:
        what: what is being done, for the warning.
        call: what to call.
        retry: how often, and after which pauses.
        tell: is told the trouble after each failure, before the pause that follows; what it raises ends the call.

    Raises:
        StoreError: the store failed for good, or raised what no store may.
        SagaError: what the method of the store raises beside that.
    """
    pauses, failures = retry.pauses(), 0
    while True:
        try:
            return await call()
        except TransientStoreError as error:
            pause = next(pauses, None)
            if pause is None:
                raise StoreError(f"the store failed {retry.attempts} times, at last with: {error}") from error
            failures += 1
            if failures & (failures - 1) == 0:
                times = f" {failures} times" if failures > 1 else ""
                _LOGGER.warning("%s: the store failed%s, and is called again: %s", what, times, one_line(str(error)))
            tell(str(error))
        except SagaError:
            raise
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise StoreError("a call of the store was cancelled, but not by this executor") from error
        except Exception as error:
            raise StoreError(f"the store failed: {type(error).__name__}: {described(error)}") from error
        await asyncio.sleep(pause)
