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

from sagaref._errors import StoreError, Superseded
from sagaref._log import LogEntry

__all__ = [
    "CachedState",
    "SagaRecord",
    "Store",
    "TakenSaga",
    "check_limit",
    "check_owner",
    "check_same_event",
    "check_texts",
]


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
    """A store of sagas. Every method raises TransientStoreError or StoreError when the store fails, and nothing else.

    Each method is atomic, and one that returned has made its effect durable. One that raised for a reason that is said
    at the method had no effect. One that was cancelled, or raised because the store failed, may have had its effect, or
    not, or has it later: a `create` at any time, the others before the next `take`, `append` or `update` of that saga
    returns. Reads show what is durable, so they may not show it yet.

    A log only grows at its end: what was read of it once is the beginning of what is read later.

    A text, of an id, a name, a DAG or data, may be any but one with a NUL or a lone surrogate: StoreError. One store
    object belongs to one event loop.
    """

    async def create(self, saga_id: str, name: str, dag: str) -> None:
        """Keep a new saga: Running, generation 0, an empty log.

        A retry that finds the same saga, with the same name and DAG and never taken, has succeeded.

        Raises:
            SagaExists: another saga of this id is there, or this one has been taken.
        """
        ...

    async def take(self, saga_id: str) -> TakenSaga:
        """Take ownership: raise the generation by one, and read the log, with nothing of older generations to come.

        Raises:
            NoSuchSaga: there is no saga of this id.
        """
        ...

    async def append(self, saga_id: str, generation: int, entry: LogEntry) -> None:
        """Append an event to the log. One that is there already, by the same generation with the same data, is fine.

        The errors come in this order: a retry by a generation that has been superseded is superseded, even where its
        event is there.

        Raises:
            NoSuchSaga: there is no saga of this id.
            Superseded: the saga has a later generation; nothing was written.
            StoreError: no `take` returned this generation; or the log has this event of this node from another
                generation or with other data.
        """
        ...

    async def update(self, saga_id: str, generation: int, state: CachedState) -> None:
        """Write the cached state.

        Raises:
            NoSuchSaga: there is no saga of this id.
            Superseded: the saga has a later generation; nothing was written.
            StoreError: no `take` returned this generation.
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
            after: the last id of the page before, whether there is such a saga or not; None for the first page.
            limit: the length of a page, 1 or more.
            unfinished: leave out those whose cached state is Done.

        Raises:
            StoreError: the limit is below 1.
        """
        ...

    async def close(self) -> None:
        """Let go of what the store holds; calls in progress end first. Calling it twice is no error.

        Any later call raises StoreError, except of a store that has nothing to let go of (`MemoryStore`).
        """
        ...


# What every store checks in the same way ------------------------------------------------------------------------------


def check_texts(*texts: str) -> None:
    """Raises StoreError: a text holds a NUL or a lone surrogate; PostgreSQL can keep neither, so no store does."""
    for text in texts:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise StoreError(f"no store can keep a text with a lone surrogate: {text[:60]!a}") from error
        if "\0" in text:
            raise StoreError(f"no store can keep a text with a NUL: {text[:60]!a}")


def check_limit(limit: int) -> None:
    """Raises StoreError: the limit is below 1."""
    if limit < 1:
        raise StoreError(f"a page of {limit} sagas was asked for; ask for 1 or more")


def check_owner(saga_id: str, generation: int, owner: int) -> None:
    """Whether this generation may write to a saga that `owner` took last.

    Raises:
        Superseded: another took it after this generation did.
        StoreError: no `take` returned this generation.
    """
    if generation < owner:
        raise Superseded(saga_id, generation)
    if generation > owner or generation < 1:
        raise StoreError(f"generation {generation} of saga {saga_id} may not write: nobody has taken it as that")


def check_same_event(saga_id: str, generation: int, entry: LogEntry, stored_by: int, stored_data: str) -> None:
    """Whether an event that is to be appended is the one that the log has of its kind and node.

    Raises:
        StoreError: it is from another generation, or its data differ.
    """
    if (stored_by, stored_data) != (generation, entry.data):
        how = "with other data" if stored_by == generation else f"from generation {stored_by}"
        raise StoreError(f"the log of saga {saga_id} has {entry.event.value} of node {entry.node} already, {how}")
