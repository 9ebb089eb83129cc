"""What is true of the PostgreSQL store beside what is true of all stores: its fencing, connections and errors."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from postgres_server import PostgresServer
from sagaref import _postgres, _schema
from sagaref._errors import SagaError, StoreError, Superseded, TransientStoreError
from sagaref._log import Event, LogEntry
from sagaref._postgres import PostgresStore
from sagaref._store import CachedState

if TYPE_CHECKING:
    import psycopg

T = TypeVar("T")

STARTED = LogEntry(0, Event.STARTED)
SUCCEEDED = LogEntry(0, Event.SUCCEEDED, "1")


def use(conninfo: str, body: Callable[[PostgresStore], Awaitable[T]], connections: int = 4) -> T:
    """Run something on a store, and close it."""

    async def main() -> T:
        store = PostgresStore(conninfo, connections=connections)
        try:
            return await body(store)
        finally:
            await store.close()

    return asyncio.run(main())


async def fails(call: Awaitable[object], error: type[SagaError], text: str = ".") -> BaseException | None:
    """The call raises exactly this class of error; returns its cause."""
    with pytest.raises(error, match=text) as raised:
        await call
    assert raised.type is error
    return raised.value.__cause__


@pytest.fixture
def conninfo(postgres: PostgresServer, database: str) -> str:
    """Of a database with the saga `s`, taken once and started."""

    async def body(store: PostgresStore) -> None:
        await store.create("s", "order", "{}")
        await store.take("s")
        await store.append("s", 1, STARTED)

    use(postgres.conninfo(database), body)
    return postgres.conninfo(database)


@pytest.fixture
def other(postgres: PostgresServer, database: str) -> Iterator[psycopg.Connection]:
    """A connection to the same database that is not the store's."""
    with closing(postgres.connect(database)) as connection:  # a restart may have ended it
        connection.execute("SET search_path = sagaref")
        yield connection


@contextmanager
def transaction(connection: psycopg.Connection, sql: str) -> Iterator[None]:
    """The other one is in the middle of this, and takes it back at the end."""
    connection.execute("BEGIN")
    connection.execute(sql.encode())
    try:
        yield
    finally:
        connection.execute("ROLLBACK")


# What an `append` of STARTED of node 1 waits for when it has the lock of the saga already.
SAME_EVENT = "INSERT INTO node_event VALUES ('s', 99, 1, 'started', 'null', 1)"
SAGA_LOCK = "SELECT FROM saga WHERE saga_id = 's' FOR UPDATE"
NEXT = LogEntry(1, Event.STARTED)


async def blocked(connection: psycopg.Connection, number: int) -> None:
    """Return when this many sessions of the server wait for others."""
    waiting = b"SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted"
    while connection.execute(waiting).fetchone() != (number,):
        await asyncio.sleep(0)


# Fencing --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("isolation", ["read committed", "repeatable read", "serializable"])
def test_take_waits_for_an_append_that_is_under_way_and_sees_its_event(
    conninfo: str, database: str, other: psycopg.Connection, isolation: str
) -> None:
    """Whatever the isolation that the database has as its default; after it, nothing of the old owner lands."""
    other.execute(f"ALTER DATABASE {database} SET default_transaction_isolation = '{isolation}'".encode())

    async def body(store: PostgresStore) -> None:
        with transaction(other, SAME_EVENT):
            append = asyncio.create_task(store.append("s", 1, NEXT))
            await blocked(other, 1)
            take = asyncio.create_task(store.take("s"))
            await blocked(other, 2)
            assert not take.done()
        await append
        assert (await take).log == (STARTED, NEXT)
        await fails(store.append("s", 1, SUCCEEDED), Superseded)
        assert await store.log("s") == (STARTED, NEXT)

    use(conninfo, body)


def test_a_write_that_comes_while_take_is_under_way_is_superseded(conninfo: str, other: psycopg.Connection) -> None:
    """It waits for the generation that it is compared with."""

    async def body(store: PostgresStore) -> None:
        other.execute("BEGIN")
        other.execute("UPDATE saga SET generation = generation + 1 WHERE saga_id = 's'")
        append = asyncio.create_task(store.append("s", 1, NEXT))
        update = asyncio.create_task(store.update("s", 1, CachedState.DONE))
        await blocked(other, 2)
        other.execute("COMMIT")
        await fails(append, Superseded)
        await fails(update, Superseded)
        assert await store.log("s") == (STARTED,)
        assert (await store.get("s")).state is CachedState.RUNNING

    use(conninfo, body)


def test_the_statements_of_take_are_those_that_writes_wait_for() -> None:
    """The test above plays `take` by hand; this is what it plays."""
    assert next(_schema.take("s"))[0] == "UPDATE saga SET generation = generation + 1 WHERE saga_id = ?"


def test_a_cancelled_append_does_not_land_after_a_take(conninfo: str, other: psycopg.Connection) -> None:
    """It waited for a lock when it was cancelled; its connection is not used again."""

    async def body(store: PostgresStore) -> None:
        with transaction(other, SAME_EVENT):
            append = asyncio.create_task(store.append("s", 1, NEXT))
            await blocked(other, 1)
            append.cancel()
            await asyncio.gather(append, return_exceptions=True)
            assert append.cancelled()
            assert store._idle == []
        assert (await store.take("s")).log == (STARTED,)
        assert await store.log("s") == (STARTED,)

    use(conninfo, body)


def test_the_database_alone_refuses_a_second_event_and_an_event_of_no_saga(
    conninfo: str, other: psycopg.Connection
) -> None:
    """Whoever else writes to it cannot break what recovery relies on."""
    assert conninfo
    for row in ("'s', 2, 0, 'started', 'null', 1", "'s', 1, 1, 'started', 'null', 1", "'t', 1, 0, 'x', '', 1"):
        with pytest.raises(Exception, match=r"violates (unique|foreign key) constraint"):
            other.execute(f"INSERT INTO node_event VALUES ({row})".encode())


# Connections ----------------------------------------------------------------------------------------------------------


def setting(store: PostgresStore, name: str) -> Awaitable[object]:
    """What a connection of the store says of a setting."""

    async def ask() -> object:
        await store.list()
        row = await (await store._idle[0].execute(f"SHOW {name}".encode())).fetchone()
        assert row is not None
        return row[0]

    return ask()


@pytest.mark.parametrize(
    ("name", "default", "value"),
    [
        ("synchronous_commit", "off", "on"),
        ("synchronous_commit", "local", "on"),
        ("synchronous_commit", "remote_apply", "remote_apply"),  # stronger than "on"
        ("default_transaction_isolation", "serializable", "read committed"),
        ("lock_timeout", "0", "5s"),
        ("idle_in_transaction_session_timeout", "0", "10s"),
        ("search_path", "public", "sagaref"),
        ("client_encoding", "latin1", "UTF8"),
    ],
)
def test_the_session_has_the_settings_that_the_store_relies_on(
    conninfo: str, database: str, other: psycopg.Connection, name: str, default: str, value: str
) -> None:
    """Whatever the database has as their defaults."""
    other.execute(f"ALTER DATABASE {database} SET {name} = '{default}'".encode())
    assert use(conninfo, lambda store: setting(store, name)) == value


def test_a_write_that_hangs_does_not_hold_up_the_others(conninfo: str, other: psycopg.Connection) -> None:
    """While there are connections; a call more waits for one."""

    async def body(store: PostgresStore) -> None:
        await store.create("t", "order", "{}")
        with transaction(other, SAGA_LOCK):
            hung = asyncio.create_task(store.append("s", 1, NEXT))
            await blocked(other, 1)
            assert await store.log("s") == (STARTED,)
            await store.take("t")
            hung_too = asyncio.create_task(store.append("s", 1, SUCCEEDED))
            await blocked(other, 2)
            waiting = asyncio.create_task(store.list())
            for _ in range(10):
                await asyncio.sleep(0)
            assert not waiting.done()
        await asyncio.gather(hung, hung_too, waiting)

    use(conninfo, body, connections=2)


def test_a_lock_that_is_held_too_long_is_a_transient_failure(
    conninfo: str, other: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When it is given back the same call succeeds."""
    monkeypatch.setattr(_postgres, "_SETTINGS", _postgres._SETTINGS.replace("'5s'", "'1ms'"))

    async def body(store: PostgresStore) -> None:
        with transaction(other, SAGA_LOCK):
            await fails(store.append("s", 1, SUCCEEDED), TransientStoreError, "lock timeout")
        await store.append("s", 1, SUCCEEDED)

    use(conninfo, body)


def test_a_restart_of_the_server_is_one_transient_failure(conninfo: str, postgres: PostgresServer) -> None:
    """However many connections there were; the next call connects anew, and everything is there."""

    async def body(store: PostgresStore) -> None:
        await asyncio.gather(*(store.get("s") for _ in range(4)))
        assert len(store._idle) > 1
        postgres.stop()
        postgres.start()
        await fails(store.append("s", 1, SUCCEEDED), TransientStoreError)
        await store.append("s", 1, SUCCEEDED)
        assert await store.log("s") == (STARTED, SUCCEEDED)

    use(conninfo, body)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_server_that_stops_in_the_middle_of_a_call_is_a_transient_failure(
    conninfo: str, postgres: PostgresServer, other: psycopg.Connection, mode: str
) -> None:
    """So are the calls while it is away; they succeed when it is back."""

    async def body(store: PostgresStore) -> None:
        other.execute("BEGIN")
        other.execute(SAGA_LOCK)
        append = asyncio.create_task(store.append("s", 1, SUCCEEDED))
        await blocked(other, 1)
        postgres.stop(mode)
        try:
            await fails(append, TransientStoreError, "PostgreSQL: (terminating connection|.*closed the connection)")
            await fails(store.append("s", 1, SUCCEEDED), TransientStoreError, "PostgreSQL: connection")
            await fails(store.log("s"), TransientStoreError, "PostgreSQL: connection")
        finally:
            postgres.start()
        assert await store.log("s") == (STARTED,)
        await store.append("s", 1, SUCCEEDED)
        assert await store.log("s") == (STARTED, SUCCEEDED)

    use(conninfo, body)


def test_a_commit_whose_answer_was_lost_is_repeated_with_success(
    conninfo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event, or the saga, is there once."""
    perform = _postgres._perform

    async def lose(*arguments: Any) -> None:
        import psycopg

        await perform(*arguments)
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    async def body(store: PostgresStore) -> None:
        await store.get("s")
        with monkeypatch.context() as broken:
            broken.setattr(_postgres, "_perform", lose)
            await fails(store.append("s", 1, SUCCEEDED), TransientStoreError, "unexpectedly")
            store._has_tables = True
            await fails(store.create("t", "order", "{}"), TransientStoreError, "unexpectedly")
        assert await store.log("s") == (STARTED, SUCCEEDED)
        await store.append("s", 1, SUCCEEDED)
        await store.create("t", "order", "{}")
        assert await store.log("s") == (STARTED, SUCCEEDED)

    use(conninfo, body)


def test_an_error_of_the_contract_keeps_the_connection(conninfo: str) -> None:
    """Nothing is wrong with it, and its transaction is at an end."""

    async def body(store: PostgresStore) -> None:
        await store.take("s")
        (connection,) = store._idle
        await fails(store.append("s", 1, SUCCEEDED), Superseded)
        assert store._idle == [connection]
        assert connection.info.transaction_status.name == "IDLE"

    use(conninfo, body)


def test_no_connection_stays_open(conninfo: str, other: psycopg.Connection) -> None:
    """After close, failures and cancellations, the server has none but the test's own."""

    async def body(store: PostgresStore) -> None:
        calls = [asyncio.create_task(store.get("s")) for _ in range(8)]
        for number, call in enumerate(calls):
            for _ in range(number):
                await asyncio.sleep(0)
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        await fails(store.append("s", 1, LogEntry(2**70, Event.STARTED)), StoreError)

    use(conninfo, body)
    sessions = b"SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    while other.execute(sessions).fetchone() != (1,):
        pass  # the server takes a moment to notice


# What is refused ------------------------------------------------------------------------------------------------------


def test_wrong_credentials_and_databases_are_no_transient_failures(postgres: PostgresServer, database: str) -> None:
    """To try again would not help."""
    for conninfo, text in (
        (postgres.conninfo(database, password="wrong"), "password authentication failed"),
        (postgres.conninfo(database, user="nobody"), "password authentication failed"),
        (postgres.conninfo("missing"), 'database "missing" does not exist'),
        (postgres.conninfo(database) + " options='-c nonsense=1'", "unrecognized configuration parameter"),
        (postgres.conninfo(database) + " sslmode=require host=127.0.0.1 port=99999", "invalid port number"),
        ("nonsense=1", 'invalid connection option "nonsense"'),
        ("nonsense", "missing"),
    ):
        use(conninfo, lambda store, text=text: fails(store.list(), StoreError, f"PostgreSQL: .*{text}"))  # type: ignore[misc]


@pytest.mark.parametrize("host", ["/nonexistent", "127.0.0.1"])
def test_a_server_that_is_not_there_is_a_transient_failure(postgres: PostgresServer, host: str) -> None:
    """It may be about to start."""
    assert postgres
    use(f"host={host} port=1", lambda store: fails(store.list(), TransientStoreError, "PostgreSQL: connection"))


@pytest.mark.parametrize(
    ("state", "error"),
    [
        ("08006", TransientStoreError),  # connection failure
        ("25P03", TransientStoreError),  # idle in transaction for too long
        ("40001", TransientStoreError),  # serialization failure
        ("40P01", TransientStoreError),  # deadlock
        ("53100", TransientStoreError),  # disk full
        ("53300", TransientStoreError),  # too many connections
        ("55P03", TransientStoreError),  # lock not available
        ("57014", TransientStoreError),  # query cancelled
        ("57P01", TransientStoreError),  # administrator's shutdown
        ("57P03", TransientStoreError),  # cannot connect now
        ("58030", TransientStoreError),  # input/output error
        ("25006", StoreError),  # read-only transaction
        ("42501", StoreError),  # insufficient privilege
        ("54000", StoreError),  # program limit exceeded
        ("57P04", StoreError),  # the database was dropped
        ("XX001", StoreError),  # data corrupted
    ],
)
def test_whatever_the_server_raises_is_transient_or_not(conninfo: str, state: str, error: type[StoreError]) -> None:
    """By its SQLSTATE; the driver's error is the cause, and the next call succeeds."""
    raising = f"DO $$ BEGIN RAISE EXCEPTION 'it failed' USING ERRCODE = '{state}'; END $$"

    def fail() -> _schema.Transaction[None]:
        yield raising, ()

    async def body(store: PostgresStore) -> None:
        cause = await fails(store._call(fail()), error, "PostgreSQL: it failed")
        assert getattr(cause, "sqlstate", None) == state
        await store.get("s")

    use(conninfo, body)


def test_a_value_that_the_server_cannot_keep_is_one_sentence(conninfo: str) -> None:
    """Neither is retried."""

    async def body(store: PostgresStore) -> None:
        await fails(store.append("s", 1, LogEntry(2**70, Event.STARTED)), StoreError, "PostgreSQL: bigint out of range")
        long = "".join(chr(0x4E00 + n * n % 20000) for n in range(20000))
        await fails(store.create(long, "order", "{}"), StoreError, "PostgreSQL: index row")

    use(conninfo, body)


def test_a_database_that_is_not_in_utf8_is_refused(postgres: PostgresServer) -> None:
    """Not all texts could be kept there, nor ordered."""
    database = postgres.create_database("ENCODING latin1")
    use(postgres.conninfo(database), lambda store: fails(store.list(), StoreError, "the database is LATIN1"))
    postgres.drop_database(database)


def test_tables_of_another_version_are_refused(conninfo: str, other: psycopg.Connection) -> None:
    """They stay as they are; the sentence says what to do."""
    other.execute("UPDATE schema_version SET version = 2")
    use(conninfo, lambda store: fails(store.list(), StoreError, "version 2 of the tables, and this library version 1"))
    assert other.execute("SELECT version FROM schema_version").fetchall() == [(2,)]


def test_stores_that_make_the_tables_at_once_make_them_once(postgres: PostgresServer, database: str) -> None:
    """Who comes second finds those of the first."""

    async def main() -> None:
        stores = [PostgresStore(postgres.conninfo(database)) for _ in range(8)]
        try:
            await asyncio.gather(*(store.create(f"s{n}", "order", "{}") for n, store in enumerate(stores)))
            assert len(await stores[0].list()) == 8
        finally:
            await asyncio.gather(*(store.close() for store in stores))

    asyncio.run(main())


def test_a_user_who_may_only_read_and_write_rows_can_use_the_store(
    postgres: PostgresServer, conninfo: str, database: str, other: psycopg.Connection
) -> None:
    """Once somebody has made the tables."""
    assert conninfo
    other.execute("DROP ROLE IF EXISTS clerk")
    other.execute("CREATE ROLE clerk LOGIN PASSWORD 'x'")
    other.execute("GRANT USAGE ON SCHEMA sagaref TO clerk")
    other.execute("GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA sagaref TO clerk")

    async def body(store: PostgresStore) -> None:
        await store.create("t", "order", "{}")
        await store.take("t")
        await store.append("t", 1, STARTED)

    use(postgres.conninfo(database, "clerk", "x"), body)
    other.execute("DROP OWNED BY clerk")
    other.execute("DROP ROLE clerk")


def test_without_psycopg_the_store_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """When it is made, and in one sentence."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match=r"PostgresStore needs psycopg: pip install 'sagacheck\[postgres\]'"):
        PostgresStore("dbname=sagas")
