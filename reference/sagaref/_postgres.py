"""The store that is a PostgreSQL database, for executors on several machines. It needs psycopg 3 (extra `postgres`)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from sagaref import _schema as schema
from sagaref._errors import SagaError, StoreError, TransientStoreError
from sagaref._log import LogEntry
from sagaref._store import CachedState, SagaRecord, TakenSaga

if TYPE_CHECKING:
    from psycopg import AsyncConnection
    from psycopg.rows import TupleRow

    Connection: TypeAlias = AsyncConnection[TupleRow]

__all__ = ["PostgresStore"]

T = TypeVar("T")

# What a connection string need not say: a server that does not answer, or a network that is gone, is noticed in time.
_DEFAULTS = {
    "connect_timeout": "10",
    "tcp_user_timeout": "10000",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
}

# What every transaction relies on, whatever the server, the database or the role has as its default. A process that
# stopped in the middle of a transaction loses it soon, and with it the lock that keeps others from taking its saga.
# There is no statement_timeout: it would let a COMMIT that waits for a synchronous standby return early as a success.
_SETTINGS = """
    SET search_path = sagaref;
    SET default_transaction_isolation = 'read committed';
    SET lock_timeout = '5s';
    SET idle_in_transaction_session_timeout = '10s';
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') <> 'remote_apply';
"""

# Serializes the creation of the tables: "sagaref".
_SCHEMA_LOCK = int.from_bytes(b"sagaref", "big")

# SQLSTATEs, or their first two characters, of what may pass: the connection, a lost race, resources, a failing disk, a
# lock that was not to be had, a cancelled query, a server that stops or starts, timeouts of an idle session.
_TRANSIENT = ("08", "40", "53", "58030", "55P03", "57014", "57P01", "57P02", "57P03", "57P05", "25P03")

# A connection that could not be made has no SQLSTATE, so these go by its words; a server that speaks another language
# than English is taken for one that may let us in later.
_REFUSED = re.compile(
    r"authentication failed|no password supplied|does not exist|no pg_hba\.conf entry|not permitted to log in"
    r"|permission denied|unrecognized configuration parameter|invalid (port|value|integer|connection option)"
    r"|does not support SSL|certificate verify failed|is not currently accepting connections"
)


class PostgresStore:
    """Sagas in a PostgreSQL database; `Store` says what each method does and raises.

    The tables are in the schema `sagaref`, which is made on first use. The encoding of the database must be UTF8. Each
    call has a connection to itself, so that one that hangs does not hold up the others while there are fewer than
    `connections` of them. Connections are kept between calls; one that failed, or whose call was cancelled, is closed.
    They set session variables, so a pooler in between must not share sessions between transactions.

    What was committed is durable as far as the server is honest: with `fsync` off it is not.

    Errors beside those of `Store`: a connection that could not be made or was lost, a server that stops, a deadlock, a
    lock that was held too long and the like are a TransientStoreError, and a later call connects anew. A connection
    string that is none, wrong credentials, a database that does not exist, tables of another version, and whatever else
    the server refuses are a StoreError.
    """

    def __init__(self, conninfo: str, *, connections: int = 4) -> None:
        """A store that connects on first use.

        Args:
            conninfo: a connection string or URI of libpq.
            connections: the most to have at a time.

        Raises:
            StoreError: psycopg is not installed.
        """
        try:
            import psycopg  # noqa: F401
        except ImportError as error:
            raise StoreError("PostgresStore needs psycopg: pip install 'sagacheck[postgres]'") from error
        self._conninfo = conninfo
        self._free = asyncio.Semaphore(connections)
        self._idle: list[Connection] = []
        self._has_tables = False
        self._calls = 0
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._closed = False

    async def create(self, saga_id: str, name: str, dag: str) -> None:
        """See `Store.create`."""
        await self._call(schema.create(saga_id, name, dag))

    async def take(self, saga_id: str) -> TakenSaga:
        """See `Store.take`."""
        return await self._call(schema.take(saga_id))

    async def append(self, saga_id: str, generation: int, entry: LogEntry) -> None:
        """See `Store.append`."""
        await self._call(schema.append(saga_id, generation, entry))

    async def update(self, saga_id: str, generation: int, state: CachedState) -> None:
        """See `Store.update`."""
        await self._call(schema.update(saga_id, generation, state))

    async def get(self, saga_id: str) -> SagaRecord:
        """See `Store.get`."""
        return await self._call(schema.get(saga_id))

    async def log(self, saga_id: str) -> tuple[LogEntry, ...]:
        """See `Store.log`."""
        return await self._call(schema.log(saga_id))

    async def list(
        self, *, after: str | None = None, limit: int = 100, unfinished: bool = False
    ) -> Sequence[SagaRecord]:
        """See `Store.list`."""
        return await self._call(schema.page(after, limit, unfinished))

    async def close(self) -> None:
        """See `Store.close`."""
        self._closed = True
        await self._quiet.wait()
        await self._drop_idle()

    async def _call(self, transaction: schema.Transaction[T]) -> T:
        if self._closed:
            raise StoreError("PostgreSQL: the store is closed")
        self._calls += 1
        self._quiet.clear()
        try:
            async with self._free:
                return await self._run(transaction)
        except SagaError:
            raise
        except Exception as error:
            raise _translated(error) from error
        finally:
            self._calls -= 1
            if not self._calls:
                self._quiet.set()

    async def _run(self, transaction: schema.Transaction[T]) -> T:
        connection = self._idle.pop() if self._idle else await self._connect()
        try:
            result = await _perform(connection, transaction)
        except SagaError:
            self._idle.append(connection)
            raise
        except BaseException:
            # Whether it is in a transaction, and whether that will commit, is not known.
            if connection.broken:  # then those that idle have gone the same way
                await self._drop_idle()
            await connection.close()
            raise
        self._idle.append(connection)
        return result

    async def _drop_idle(self) -> None:
        while self._idle:
            await self._idle.pop().close()

    async def _connect(self) -> Connection:
        """A new connection, to a database that has our tables. Raises StoreError and psycopg.Error."""
        from psycopg import AsyncConnection
        from psycopg.conninfo import conninfo_to_dict, make_conninfo

        said = conninfo_to_dict(self._conninfo)
        unsaid = {key: value for key, value in _DEFAULTS.items() if key not in said}
        connection = await AsyncConnection.connect(
            make_conninfo(self._conninfo, client_encoding="UTF8", **unsaid), autocommit=True
        )
        try:
            encoding = connection.info.parameter_status("server_encoding")
            if encoding != "UTF8":
                raise StoreError(f"PostgreSQL: the encoding of the database is {encoding}; use one with UTF8")
            await connection.execute(_SETTINGS)
            if not self._has_tables:
                await _perform(connection, _make_tables())
                self._has_tables = True
        except BaseException:
            await connection.close()
            raise
        return connection


async def _perform(connection: Connection, transaction: schema.Transaction[T]) -> T:
    await connection.execute("BEGIN")
    try:
        result = await _result(connection, transaction)
    except SagaError:
        await connection.execute("ROLLBACK")
        raise
    await connection.execute("COMMIT")
    return result


async def _result(connection: Connection, transaction: schema.Transaction[T]) -> T:
    try:
        sql, parameters = next(transaction)
        while True:
            cursor = await connection.execute(sql.replace("?", "%s").encode(), parameters or None)
            rows = await cursor.fetchall() if cursor.description else ()
            sql, parameters = transaction.send(rows)
    except StopIteration as end:
        result: T = end.value
        return result


def _make_tables() -> schema.Transaction[None]:
    """Make the tables if they are not there. Raises StoreError: they are those of another version."""
    yield "SELECT pg_advisory_xact_lock(?)", (_SCHEMA_LOCK,)
    rows = yield "SELECT to_regclass('sagaref.schema_version')", ()
    if rows[0][0] is None:
        yield "CREATE SCHEMA IF NOT EXISTS sagaref", ()
        for table in schema.TABLES:
            yield table.format(by_code_point='"C"'), ()
        yield "CREATE TABLE schema_version (version bigint NOT NULL)", ()
        yield "INSERT INTO schema_version (version) VALUES (?)", (schema.VERSION,)
    rows = yield "SELECT version FROM schema_version", ()
    if [tuple(row) for row in rows] != [(schema.VERSION,)]:
        found = ", ".join(str(version) for (version,) in rows) or "none"
        raise StoreError(
            f"PostgreSQL: the schema sagaref has version {found} of the tables, and this library version "
            f"{schema.VERSION}; use the library that made it, or another database"
        )


def _translated(error: Exception) -> StoreError:
    import psycopg

    state = getattr(error, "sqlstate", None)
    if state is None:
        transient = isinstance(error, psycopg.OperationalError) and not _REFUSED.search(str(error))
    else:
        transient = state.startswith(_TRANSIENT)
    kind = TransientStoreError if transient else StoreError
    return kind(f"PostgreSQL: {(str(error).splitlines() or [type(error).__name__])[0]}")
