"""What an executor asks of a store, and what it may rely on.

A store keeps sagas and their events. The executor calls `append` once for each event and again when a call failed
transiently, so a store must recognise its own event; everything else it may rely on is said at the methods. A saga has
a generation, which `take` raises: from then on writes of older generations are refused, so that an executor that lost a
saga cannot write to its log. Stores: `_memory_store`, `_sqlite`, `_postgres`.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sagaref._log import LogEntry

__all__ = ["CachedState", "SagaRecord", "Store", "TakenSaga"]


class CachedState(enum.Enum):
    """The state of a saga as the store keeps it for people who list sagas; recovery does not need it."""

    RUNNING = "running"
    UNWINDING = "unwinding"
    DONE = "done"


@dataclass(frozen=True)
class SagaRecord:
    """What the store has of a saga beside its log.

    Attributes:
        saga_id: its id.
        name: of its DAG.
        dag: its DAG with the parameters, as JSON text in steno's form.
        state: the cached state; it may lag behind the log.
        generation: how often an executor has taken it; 0 when it was created and never started.
    """

    saga_id: str
    name: str
    dag: str
    state: CachedState
    generation: int


@dataclass(frozen=True)
class TakenSaga:
    """A saga as its new owner finds it: the record, with the new generation, and the whole log."""

    record: SagaRecord
    log: tuple[LogEntry, ...]


class Store(Protocol):
    """A store of sagas. Every method raises TransientStoreError or StoreError when the store fails.

    A method that returned has made its effect durable; one that raised, or was cancelled, may have had it or not. Each
    is atomic. One store object belongs to one event loop.
    """

    async def create(self, saga_id: str, name: str, dag: str) -> None:
        """Keep a new saga: Running, generation 0, an empty log.

        A retry that finds the same saga, with an empty log and never taken, has succeeded.

        Raises:
            SagaExists: another saga of this id is there.
        """
        ...

    async def take(self, saga_id: str) -> TakenSaga:
        """Take ownership: raise the generation, and read the log as it is then, with nothing of older generations to come.

        Raises:
            NoSuchSaga: there is no saga of this id.
        """
        ...

    async def append(self, saga_id: str, generation: int, entry: LogEntry) -> None:
        """Append an event to the log. One that is there already, with the same data, by the same generation, is success.

        Raises:
            NoSuchSaga: there is no saga of this id.
            Superseded: the saga has a later generation; nothing was written.
            StoreError: the log has this event of this node from another generation or with other data.
        """
        ...

    async def update(self, saga_id: str, generation: int, state: CachedState) -> None:
        """Write the cached state.

        Raises:
            NoSuchSaga: there is no saga of this id.
            Superseded: the saga has a later generation; nothing was written.
        """
        ...

    async def get(self, saga_id: str) -> SagaRecord:
        """The record of a saga. Raises NoSuchSaga."""
        ...

    async def log(self, saga_id: str) -> tuple[LogEntry, ...]:
        """The log of a saga, in the order in which it was written. Raises NoSuchSaga."""
        ...

    async def list(
        self, *, after: str | None = None, limit: int = 100, unfinished: bool = False
    ) -> Sequence[SagaRecord]:
        """At most `limit` sagas by ascending id (compared as text by code points), from the first id beyond `after` on.

        Args:
            after: the last id of the page before; None for the first page.
            limit: the length of a page, 1 or more.
            unfinished: leave out those whose cached state is Done.
        """
        ...

    async def close(self) -> None:
        """Let go of what the store holds; calls in progress end first. Calling it twice is no error."""
        ...
