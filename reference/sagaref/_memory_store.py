"""The store that keeps everything in dictionaries: for tests and for what need not survive the process.

No method suspends, so that a run on it has no other order than that of its executor. It survives an executor: a new
executor on the same object finds what a restarted process finds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sagaref._errors import NoSuchSaga, SagaExists
from sagaref._log import Event, LogEntry
from sagaref._store import (
    CachedState,
    SagaRecord,
    TakenSaga,
    check_limit,
    check_owner,
    check_same_event,
    check_texts,
)

__all__ = ["MemoryStore"]


@dataclass
class _Saga:
    """A record and its events, each with the generation that wrote it, in the order in which they were written."""

    record: SagaRecord
    events: dict[tuple[int, Event], tuple[LogEntry, int]] = field(default_factory=dict)

    @property
    def log(self) -> tuple[LogEntry, ...]:
        return tuple(entry for entry, _ in self.events.values())


class MemoryStore:
    """Sagas in memory; `Store` says what each method does and raises. It never fails transiently, and never closes."""

    def __init__(self) -> None:
        self._sagas: dict[str, _Saga] = {}

    async def create(self, saga_id: str, name: str, dag: str) -> None:
        """See `Store.create`."""
        check_texts(saga_id, name, dag)
        new = SagaRecord(saga_id, name, dag, CachedState.RUNNING, 0)
        if self._sagas.setdefault(saga_id, _Saga(new)).record != new:
            raise SagaExists(saga_id)

    async def take(self, saga_id: str) -> TakenSaga:
        """See `Store.take`."""
        saga = self._find(saga_id)
        saga.record = replace(saga.record, generation=saga.record.generation + 1)
        return TakenSaga(saga.record, saga.log)

    async def append(self, saga_id: str, generation: int, entry: LogEntry) -> None:
        """See `Store.append`."""
        check_texts(entry.data)
        saga = self._owned(saga_id, generation)
        stored, writer = saga.events.setdefault((entry.node, entry.event), (entry, generation))
        check_same_event(saga_id, generation, entry, writer, stored.data)

    async def update(self, saga_id: str, generation: int, state: CachedState) -> None:
        """See `Store.update`."""
        saga = self._owned(saga_id, generation)
        saga.record = replace(saga.record, state=state)

    async def get(self, saga_id: str) -> SagaRecord:
        """See `Store.get`."""
        return self._find(saga_id).record

    async def log(self, saga_id: str) -> tuple[LogEntry, ...]:
        """See `Store.log`."""
        return self._find(saga_id).log

    async def list(
        self, *, after: str | None = None, limit: int = 100, unfinished: bool = False
    ) -> Sequence[SagaRecord]:
        """See `Store.list`."""
        check_limit(limit)
        if after is not None:
            check_texts(after)
        records = (self._sagas[saga_id].record for saga_id in sorted(self._sagas) if after is None or saga_id > after)
        return tuple(r for r in records if not (unfinished and r.state is CachedState.DONE))[:limit]

    async def close(self) -> None:
        """Nothing: there is nothing to let go of, and the next executor finds the sagas here."""

    def _find(self, saga_id: str) -> _Saga:
        check_texts(saga_id)
        if saga_id not in self._sagas:
            raise NoSuchSaga(saga_id)
        return self._sagas[saga_id]

    def _owned(self, saga_id: str, generation: int) -> _Saga:
        saga = self._find(saga_id)
        check_owner(saga_id, generation, saga.record.generation)
        return saga
