"""The store that is one SQLite file: the default, which needs no server and no set-up."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from sagaref import _schema as schema
from sagaref._errors import SagaError, StoreError, TransientStoreError
from sagaref._log import LogEntry
from sagaref._store import CachedState, SagaRecord, TakenSaga

__all__ = ["SqliteStore"]

T = TypeVar("T")

# How long a statement waits for another process that writes, in seconds; then the call fails transiently.
BUSY_SECONDS = 0.5

# What PRAGMA application_id says of our files: "saga".
APPLICATION_ID = int.from_bytes(b"saga", "big")

# The primary result codes (https://sqlite.org/rescode.html) of what may pass: another process has the file, the disk is
# full or failed, memory ran out.
_TRANSIENT = frozenset(
    (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_INTERRUPT,
    )
)


class SqliteStore:
    """Sagas in a SQLite file; `Store` says what each method does and raises.

    The file is made on first use. It is in WAL mode and every commit is synced (synchronous=FULL), so that what was
    written by a method that returned survives a crash of the machine. Several store objects, in one process or in many,
    may use one file; it must not be on a network file system (https://sqlite.org/wal.html).

    All calls run one after the other in a thread of the store's own, so none blocks the event loop. A call that is
    cancelled while it runs there still ends there, before the next call begins.

    Errors beside those of `Store`: a file that is no database, or that of something else, or that of another version of
    this library, is a StoreError, and is left as it is. A file that another process locks for longer than
    `BUSY_SECONDS`, a full disk and a failing one are a TransientStoreError.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.fspath(path)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sagaref-sqlite")
        # Used in the thread only.
        self._connection: sqlite3.Connection | None = None
        self._closing: Future[None] | None = None

    async def create(self, saga_id: str, name: str, dag: str) -> None:
        """See `Store.create`."""
        await self._write(schema.create(saga_id, name, dag))

    async def take(self, saga_id: str) -> TakenSaga:
        """See `Store.take`."""
        return await self._write(schema.take(saga_id))

    async def append(self, saga_id: str, generation: int, entry: LogEntry) -> None:
        """See `Store.append`."""
        await self._write(schema.append(saga_id, generation, entry))

    async def update(self, saga_id: str, generation: int, state: CachedState) -> None:
        """See `Store.update`."""
        await self._write(schema.update(saga_id, generation, state))

    async def get(self, saga_id: str) -> SagaRecord:
        """See `Store.get`."""
        return await self._read(schema.get(saga_id))

    async def log(self, saga_id: str) -> tuple[LogEntry, ...]:
        """See `Store.log`."""
        return await self._read(schema.log(saga_id))

    async def list(
        self, *, after: str | None = None, limit: int = 100, unfinished: bool = False
    ) -> Sequence[SagaRecord]:
        """See `Store.list`."""
        return await self._read(schema.page(after, limit, unfinished))

    async def close(self) -> None:
        """See `Store.close`. The thread ends after the calls in progress, also where this one is cancelled."""
        if self._closing is None:
            self._closing = self._thread.submit(self._let_go)
            self._thread.shutdown(wait=False)
        await asyncio.shield(asyncio.wrap_future(self._closing))

    async def _write(self, transaction: schema.Transaction[T]) -> T:
        return await self._call("BEGIN IMMEDIATE", transaction)

    async def _read(self, transaction: schema.Transaction[T]) -> T:
        return await self._call("BEGIN", transaction)

    async def _call(self, begin: str, transaction: schema.Transaction[T]) -> T:
        if self._closing is not None:
            raise StoreError(f"{self._path}: the store is closed")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, begin, transaction)

    # In the thread ----------------------------------------------------------------------------------------------------

    def _run(self, begin: str, transaction: schema.Transaction[T]) -> T:
        try:
            if self._connection is None:
                self._connection = _open(self._path)
            try:
                return _perform(self._connection, begin, transaction)
            except BaseException:
                self._undo()
                raise
        except SagaError:
            raise
        except Exception as error:
            raise _translated(self._path, error) from error

    def _undo(self) -> None:
        """End the transaction that failed; if even that fails, the next call opens the file anew."""
        try:
            if self._connection is not None and self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            self._let_go()

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):  # every effect was durable before
                connection.close()


def _perform(connection: sqlite3.Connection, begin: str, transaction: schema.Transaction[T]) -> T:
    connection.execute(begin)
    result = _result(connection, transaction)
    connection.execute("COMMIT")
    return result


def _result(connection: sqlite3.Connection, transaction: schema.Transaction[T]) -> T:
    try:
        sql, parameters = next(transaction)
        while True:
            rows = connection.execute(sql.removesuffix(schema.ROW_LOCK), parameters).fetchall()
            sql, parameters = transaction.send(rows)
    except StopIteration as end:
        result: T = end.value
        return result


def _open(path: str) -> sqlite3.Connection:
    """A connection to our file, which is made if it is not there. Raises StoreError and sqlite3.Error."""
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA fullfsync = ON")  # on macOS a sync is none without it; elsewhere it says nothing
        connection.execute("PRAGMA foreign_keys = ON")
        if not _is_made(path, connection):
            connection.execute("BEGIN IMMEDIATE")
            if not _is_made(path, connection):  # nobody else made it meanwhile
                if Path(path).is_file() and Path(path).stat().st_size:  # SQLite takes a file below a page for empty
                    raise StoreError(f"{path}: file is not a database")
                for table in schema.TABLES:
                    connection.execute(table.format(by_code_point="BINARY"))
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {schema.VERSION}")
            connection.execute("COMMIT")
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise StoreError(f"{path}: SQLite cannot keep a write-ahead log there; use a file on a local file system")
    except BaseException:
        connection.close()
        raise
    return connection


def _is_made(path: str, connection: sqlite3.Connection) -> bool:
    """Whether the file is a store of ours; False if it is empty.

    Raises:
        StoreError: it is a database of something else, or of another version.
        sqlite3.Error: it is no database, or cannot be read.
    """
    own = not connection.in_transaction
    if own:  # one look: what somebody else commits between two of these is seen by both or by neither
        connection.execute("BEGIN")
    try:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (objects,) = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    finally:
        if own:
            connection.execute("ROLLBACK")
    if (application, version, objects) == (0, 0, 0):
        return False
    if application != APPLICATION_ID:
        raise StoreError(f"{path}: this is the database of something else, and no store of sagas; name another file")
    if version != schema.VERSION:
        raise StoreError(
            f"{path}: this store of sagas has version {version} of the tables, and this library version "
            f"{schema.VERSION}; use the library that wrote it, or name another file"
        )
    return True


def _translated(path: str, error: Exception) -> StoreError:
    # Errors of the Python module itself have no code.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    kind = TransientStoreError if code in _TRANSIENT or isinstance(error, MemoryError) else StoreError
    return kind(f"{path}: {error}")
