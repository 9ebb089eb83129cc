"""A store with a site before each write and one after it: there the write is committed, and nobody has been told."""

from __future__ import annotations

from collections.abc import Sequence

from sagaref import CachedState, LogEntry, SagaRecord, Store, TakenSaga

from ._journal import CREATED, TAKEN, WRITTEN, Journal
from ._sites import Sites

__all__ = ["WatchedStore", "WrappedStore"]


class WrappedStore:
    """A store around another one; `Store` says what each method does."""

    def __init__(self, store: Store) -> None:
        self.inner = store

    async def create(self, saga_id: str, name: str, dag: str) -> None:
        """See `Store.create`."""
        await self.inner.create(saga_id, name, dag)

    async def take(self, saga_id: str) -> TakenSaga:
        """See `Store.take`."""
        return await self.inner.take(saga_id)

    async def append(self, saga_id: str, generation: int, entry: LogEntry) -> None:
        """See `Store.append`."""
        await self.inner.append(saga_id, generation, entry)

    async def update(self, saga_id: str, generation: int, state: CachedState) -> None:
        """See `Store.update`."""
        await self.inner.update(saga_id, generation, state)

    async def get(self, saga_id: str) -> SagaRecord:
        """See `Store.get`."""
        return await self.inner.get(saga_id)

    async def log(self, saga_id: str) -> tuple[LogEntry, ...]:
        """See `Store.log`."""
        return await self.inner.log(saga_id)

    async def list(
        self, *, after: str | None = None, limit: int = 100, unfinished: bool = False
    ) -> Sequence[SagaRecord]:
        """See `Store.list`."""
        return await self.inner.list(after=after, limit=limit, unfinished=unfinished)

    async def close(self) -> None:
        """See `Store.close`."""
        await self.inner.close()


class WatchedStore(WrappedStore):
    """Comes to sites, and has in the journal what the store acknowledged."""

    def __init__(self, store: Store, sites: Sites, journal: Journal) -> None:
        super().__init__(store)
        self._sites = sites
        self._journal = journal

    async def create(self, saga_id: str, name: str, dag: str) -> None:
        """See `Store.create`."""
        self._sites.reach("store: before create", saga_id)
        await super().create(saga_id, name, dag)
        self._journal.write(CREATED, saga_id)
        self._sites.reach("store: after create", saga_id)

    async def take(self, saga_id: str) -> TakenSaga:
        """See `Store.take`."""
        self._sites.reach("store: before take", saga_id)
        taken = await super().take(saga_id)
        self._journal.write(TAKEN, saga_id)
        self._sites.reach("store: after take", saga_id)
        return taken

    async def append(self, saga_id: str, generation: int, entry: LogEntry) -> None:
        """See `Store.append`."""
        call = f"append {entry.event.value}"
        self._sites.reach(f"store: before {call}", saga_id, entry.node)
        await super().append(saga_id, generation, entry)
        self._journal.write(WRITTEN, saga_id, entry.node, entry.event.value)
        self._sites.reach(f"store: after {call}", saga_id, entry.node)

    async def update(self, saga_id: str, generation: int, state: CachedState) -> None:
        """See `Store.update`."""
        call = f"update {state.value}"
        self._sites.reach(f"store: before {call}", saga_id)
        await super().update(saga_id, generation, state)
        self._sites.reach(f"store: after {call}", saga_id)
