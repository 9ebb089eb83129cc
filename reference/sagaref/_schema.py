"""The tables of the stores that speak SQL, and each method of `Store` as the statements of one transaction.

A `Transaction` yields statements and is sent their rows, so that it does not know which database runs it. That one runs
all its statements in one transaction, with parameters for `?`, and undoes them if it raises. What it must give:

- The statements that begin a write lock the row of the saga until the transaction ends: in PostgreSQL by the words
  `ROW_LOCK`, in SQLite, which lets one transaction write at a time, without them.
- A statement after that sees all that was committed before it began, by whomever (so in PostgreSQL READ COMMITTED; in
  REPEATABLE READ a `take` that waited for an `append` would not see its event).

So `take` waits for the writes of older generations that are under way, and refuses those that come after it.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, TypeAlias, TypeVar

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

__all__ = ["ROW_LOCK", "TABLES", "VERSION", "Statement", "Transaction"]

T = TypeVar("T")
Statement: TypeAlias = tuple[str, tuple[object, ...]]
Transaction: TypeAlias = Generator[Statement, Sequence[Sequence[Any]], T]

# Of the tables below. A store refuses any other.
VERSION = 1

# {by_code_point}: the collation that orders text by code points. The events are numbered from 1 within their saga.
TABLES = (
    """
    CREATE TABLE saga (
        saga_id text COLLATE {by_code_point} NOT NULL PRIMARY KEY,
        name text NOT NULL,
        dag text NOT NULL,
        state text NOT NULL,
        generation bigint NOT NULL
    )
    """,
    """
    CREATE TABLE node_event (
        saga_id text COLLATE {by_code_point} NOT NULL REFERENCES saga,
        position bigint NOT NULL,
        node bigint NOT NULL,
        event text NOT NULL,
        data text NOT NULL,
        generation bigint NOT NULL,
        PRIMARY KEY (saga_id, position),
        UNIQUE (saga_id, node, event)
    )
    """,
)

ROW_LOCK = " FOR NO KEY UPDATE"

_RECORD = "SELECT saga_id, name, dag, state, generation FROM saga"


def create(saga_id: str, name: str, dag: str) -> Transaction[None]:
    """As `Store.create`."""
    check_texts(saga_id, name, dag)
    new = SagaRecord(saga_id, name, dag, CachedState.RUNNING, 0)
    yield (
        "INSERT INTO saga (saga_id, name, dag, state, generation) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (saga_id) DO NOTHING",
        (saga_id, name, dag, new.state.value, new.generation),
    )
    if (yield from get(saga_id)) != new:
        raise SagaExists(saga_id)


def take(saga_id: str) -> Transaction[TakenSaga]:
    """As `Store.take`."""
    check_texts(saga_id)
    yield "UPDATE saga SET generation = generation + 1 WHERE saga_id = ?", (saga_id,)
    record = yield from get(saga_id)
    return TakenSaga(record, (yield from log(saga_id)))


def append(saga_id: str, generation: int, entry: LogEntry) -> Transaction[None]:
    """As `Store.append`."""
    check_texts(entry.data)
    yield from _own(saga_id, generation)
    yield (
        "INSERT INTO node_event (saga_id, position, node, event, data, generation) "
        "SELECT ?, COALESCE(MAX(position), 0) + 1, ?, ?, ?, ? FROM node_event WHERE saga_id = ? "
        "ON CONFLICT (saga_id, node, event) DO NOTHING",
        (saga_id, entry.node, entry.event.value, entry.data, generation, saga_id),
    )
    rows = yield (
        "SELECT generation, data FROM node_event WHERE saga_id = ? AND node = ? AND event = ?",
        (saga_id, entry.node, entry.event.value),
    )
    check_same_event(saga_id, generation, entry, *rows[0])


def update(saga_id: str, generation: int, state: CachedState) -> Transaction[None]:
    """As `Store.update`."""
    yield from _own(saga_id, generation)
    yield "UPDATE saga SET state = ? WHERE saga_id = ?", (state.value, saga_id)


def get(saga_id: str) -> Transaction[SagaRecord]:
    """As `Store.get`."""
    check_texts(saga_id)
    rows = yield f"{_RECORD} WHERE saga_id = ?", (saga_id,)
    if not rows:
        raise NoSuchSaga(saga_id)
    return _record(rows[0])


def log(saga_id: str) -> Transaction[tuple[LogEntry, ...]]:
    """As `Store.log`."""
    yield from get(saga_id)
    rows = yield "SELECT node, event, data FROM node_event WHERE saga_id = ? ORDER BY position", (saga_id,)
    return tuple(LogEntry(node, Event(event), data) for node, event, data in rows)


def page(after: str | None, limit: int, unfinished: bool) -> Transaction[tuple[SagaRecord, ...]]:
    """As `Store.list`."""
    check_limit(limit)
    conditions: list[str] = []
    parameters: list[object] = []
    if after is not None:
        check_texts(after)
        conditions.append("saga_id > ?")
        parameters.append(after)
    if unfinished:
        conditions.append("state <> ?")
        parameters.append(CachedState.DONE.value)
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    rows = yield f"{_RECORD}{where} ORDER BY saga_id LIMIT ?", (*parameters, limit)
    return tuple(map(_record, rows))


def _record(row: Sequence[Any]) -> SagaRecord:
    saga_id, name, dag, state, generation = row
    return SagaRecord(saga_id, name, dag, CachedState(state), generation)


def _own(saga_id: str, generation: int) -> Transaction[None]:
    """Lock the saga, and refuse any generation but that of its owner."""
    check_texts(saga_id)
    rows = yield f"SELECT generation FROM saga WHERE saga_id = ?{ROW_LOCK}", (saga_id,)
    if not rows:
        raise NoSuchSaga(saga_id)
    check_owner(saga_id, generation, rows[0][0])
