"""What is true of the SQLite store beside what is true of all stores: its file, its locks, its errors."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from sagaref import _sqlite
from sagaref._errors import StoreError, TransientStoreError
from sagaref._log import Event, LogEntry
from sagaref._sqlite import SqliteStore

T = TypeVar("T")

STARTED = LogEntry(0, Event.STARTED)
SUCCEEDED = LogEntry(0, Event.SUCCEEDED, "1")


def use(path: Path, body: Callable[[SqliteStore], Awaitable[T]]) -> T:
    """Run something on the store of a file, and close it."""

    async def main() -> T:
        store = SqliteStore(path)
        try:
            return await body(store)
        finally:
            await store.close()

    return asyncio.run(main())


async def fails(call: Awaitable[object], error: type[StoreError], text: str) -> BaseException | None:
    """The call raises exactly this class of error; returns its cause."""
    with pytest.raises(error, match=text) as raised:
        await call
    assert raised.type is error
    return raised.value.__cause__


def ask(store: SqliteStore, sql: str) -> object:
    """What the store's own connection answers."""
    connection = store._connection
    assert connection is not None
    return store._thread.submit(lambda: connection.execute(sql).fetchone()[0]).result()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of a store with the saga `s`, taken once and started."""
    file = tmp_path / "sagas.db"

    async def body(store: SqliteStore) -> None:
        await store.create("s", "order", "{}")
        await store.take("s")
        await store.append("s", 1, STARTED)

    use(file, body)
    return file


# Durability -----------------------------------------------------------------------------------------------------------


def test_every_commit_is_synced(path: Path) -> None:
    """The settings are in force on the connection that writes, and not only in the file."""

    async def body(store: SqliteStore) -> None:
        await store.get("s")
        assert ask(store, "PRAGMA journal_mode") == "wal"
        assert ask(store, "PRAGMA synchronous") == 2  # FULL
        assert ask(store, "PRAGMA fullfsync") == 1
        assert ask(store, "PRAGMA foreign_keys") == 1

    use(path, body)


def test_what_was_written_survives_the_death_of_the_process(tmp_path: Path) -> None:
    """Nothing is written at close that was not written before."""
    path = tmp_path / "sagas.db"
    program = f"""
import asyncio, os
from sagaref._log import Event, LogEntry
from sagaref._sqlite import SqliteStore
async def main():
    store = SqliteStore({str(path)!r})
    await store.create("s", "order", "{{}}")
    await store.take("s")
    await store.append("s", 1, LogEntry(0, Event.STARTED))
    os._exit(9)
asyncio.run(main())
"""
    assert subprocess.run([sys.executable, "-c", program]).returncode == 9
    found = use(path, lambda store: store.take("s"))
    assert (found.record.generation, found.log) == (2, (STARTED,))


def test_the_file_alone_refuses_a_second_event_and_an_event_of_no_saga(path: Path) -> None:
    """Whoever else writes to it cannot break what recovery relies on."""

    async def body(store: SqliteStore) -> None:
        await store.get("s")
        insert = "INSERT INTO node_event (saga_id, position, node, event, data, generation) VALUES"
        for row in ("'s', 2, 0, 'started', 'null', 1", "'s', 1, 1, 'started', 'null', 1", "'t', 1, 0, 'x', '', 1"):
            with pytest.raises(sqlite3.IntegrityError):
                ask(store, f"{insert} ({row})")

    use(path, body)


# Locks ----------------------------------------------------------------------------------------------------------------


@contextmanager
def locked(path: Path) -> Iterator[sqlite3.Connection]:
    """Another process is in the middle of a write."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield connection


def test_a_file_that_another_process_locks_is_a_transient_failure(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes fail and may be repeated; reads go on."""
    monkeypatch.setattr(_sqlite, "BUSY_SECONDS", 0.01)

    async def body(store: SqliteStore) -> None:
        with locked(path):
            for call in (store.append("s", 1, SUCCEEDED), store.take("s"), store.create("t", "order", "{}")):
                cause = await fails(call, TransientStoreError, "database is locked")
                assert isinstance(cause, sqlite3.OperationalError)
            assert await store.log("s") == (STARTED,)
        await store.append("s", 1, SUCCEEDED)
        assert await store.log("s") == (STARTED, SUCCEEDED)

    use(path, body)


def test_a_lock_is_waited_for_without_blocking_the_event_loop(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock can be given back by the very loop that waits for it."""
    monkeypatch.setattr(_sqlite, "BUSY_SECONDS", 60)

    async def body(store: SqliteStore) -> None:
        with locked(path) as other:
            call = asyncio.create_task(store.append("s", 1, SUCCEEDED))
            for _ in range(10):
                await asyncio.sleep(0)
            assert not call.done()
            other.execute("ROLLBACK")
            await call

    use(path, body)


def test_a_cancelled_call_ends_in_its_thread_before_the_next_and_before_close(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for it any more, but its transaction is whole."""
    monkeypatch.setattr(_sqlite, "BUSY_SECONDS", 60)
    begun = threading.Event()
    perform = _sqlite._perform

    def tell(*arguments: Any) -> object:
        begun.set()
        return perform(*arguments)

    async def body(store: SqliteStore) -> None:
        monkeypatch.setattr(_sqlite, "_perform", tell)
        with locked(path) as other:
            call = asyncio.create_task(store.append("s", 1, SUCCEEDED))
            while not begun.is_set():
                await asyncio.sleep(0)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            ending = asyncio.create_task(store.close())
            await asyncio.sleep(0)
            assert not ending.done()
            other.execute("ROLLBACK")
            await ending

    use(path, body)
    assert use(path, lambda store: store.log("s")) == (STARTED, SUCCEEDED)


def test_a_cancelled_close_goes_on(path: Path) -> None:
    """The thread and the connection are let go of."""

    async def body(store: SqliteStore) -> None:
        await store.get("s")
        call = asyncio.create_task(store.close())
        await asyncio.sleep(0)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        await store.close()
        assert store._connection is None

    use(path, body)


def test_stores_that_make_one_file_at_once_make_one_store(tmp_path: Path) -> None:
    """Who comes second finds the tables of the first."""
    path = tmp_path / "sagas.db"

    async def main() -> None:
        stores = [SqliteStore(path) for _ in range(8)]
        try:
            await asyncio.gather(*(insist(store, f"s{number}") for number, store in enumerate(stores)))
            assert len(await stores[0].list()) == 8
        finally:
            await asyncio.gather(*(store.close() for store in stores))

    async def insist(store: SqliteStore, saga_id: str) -> None:
        while True:
            try:
                return await store.create(saga_id, "order", "{}")
            except TransientStoreError:
                continue

    asyncio.run(main())


def test_a_file_that_another_makes_between_the_look_and_the_lock_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look is repeated under the lock."""
    path = tmp_path / "sagas.db"
    is_made = _sqlite._is_made

    def overtaken(name: str, connection: sqlite3.Connection) -> bool:
        made = is_made(name, connection)
        monkeypatch.setattr(_sqlite, "_is_made", is_made)
        _sqlite._open(name).close()
        return made

    monkeypatch.setattr(_sqlite, "_is_made", overtaken)
    use(path, lambda store: store.create("s", "order", "{}"))


# Failures -------------------------------------------------------------------------------------------------------------


def test_a_full_disk_is_a_transient_failure(path: Path) -> None:
    """When there is room again the same call succeeds."""
    big = LogEntry(0, Event.SUCCEEDED, "9" * 100_000)

    async def body(store: SqliteStore) -> None:
        await store.get("s")
        ask(store, "PRAGMA max_page_count = 1")
        await fails(store.append("s", 1, big), TransientStoreError, "full")
        assert await store.log("s") == (STARTED,)
        ask(store, "PRAGMA max_page_count = 1000000")
        await store.append("s", 1, big)
        assert await store.log("s") == (STARTED, big)

    use(path, body)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (sqlite3.SQLITE_BUSY_SNAPSHOT, TransientStoreError),
        (sqlite3.SQLITE_LOCKED, TransientStoreError),
        (sqlite3.SQLITE_IOERR_FSYNC, TransientStoreError),
        (sqlite3.SQLITE_FULL, TransientStoreError),
        (sqlite3.SQLITE_CORRUPT_INDEX, StoreError),
        (sqlite3.SQLITE_NOTADB, StoreError),
        (sqlite3.SQLITE_READONLY_DIRECTORY, StoreError),
        (sqlite3.SQLITE_CANTOPEN, StoreError),
        (sqlite3.SQLITE_CONSTRAINT_UNIQUE, StoreError),
        (sqlite3.SQLITE_ERROR, StoreError),
    ],
)
def test_whatever_sqlite_raises_is_transient_or_not(
    path: Path, monkeypatch: pytest.MonkeyPatch, code: int, error: type[StoreError]
) -> None:
    """By its result code; the driver's error is the cause, and the store goes on with the next call."""
    original = sqlite3.OperationalError("it failed")
    original.sqlite_errorcode = code

    def fail(*_: object) -> None:
        raise original

    async def body(store: SqliteStore) -> None:
        with monkeypatch.context() as broken:
            broken.setattr(_sqlite, "_result", fail)
            assert await fails(store.append("s", 1, SUCCEEDED), error, "sagas.db: it failed") is original
        await store.append("s", 1, SUCCEEDED)

    use(path, body)


def test_a_number_that_sqlite_cannot_keep_is_one_sentence(path: Path) -> None:
    """No error of the driver comes through."""
    entry = LogEntry(2**70, Event.STARTED)
    cause = use(path, lambda store: fails(store.append("s", 1, entry), StoreError, "sagas.db: .*int too large"))
    assert isinstance(cause, OverflowError)


def test_a_connection_that_broke_is_replaced(path: Path) -> None:
    """One call fails; the next opens the file anew."""

    async def body(store: SqliteStore) -> None:
        await store.get("s")
        connection = store._connection
        assert connection is not None
        store._thread.submit(connection.close).result()
        await fails(store.get("s"), StoreError, "closed")
        assert await store.log("s") == (STARTED,)

    use(path, body)


def test_a_damaged_file_is_one_sentence(path: Path) -> None:
    """It is not retried: it would fail again."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\x55" * (size - 4096))
    use(path, lambda store: fails(store.append("s", 1, SUCCEEDED), StoreError, "malformed"))


# Other files ----------------------------------------------------------------------------------------------------------


def refused(path: Path, text: str) -> None:
    """Reading and writing raise one sentence, and the file stays as it is, with nothing beside it."""
    before, beside = path.read_bytes(), sorted(path.parent.iterdir())

    async def body(store: SqliteStore) -> None:
        await fails(store.list(), StoreError, text)
        await fails(store.create("s", "order", "{}"), StoreError, text)

    use(path, body)
    assert path.read_bytes() == before
    assert sorted(path.parent.iterdir()) == beside


@pytest.mark.parametrize("content", [b"This is no database. " * 100, b"x", b"\0" * 5000])
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    """With its name."""
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    refused(path, "notes.txt: file is not a database")


@pytest.mark.parametrize("mode", ["delete", "wal"])
@pytest.mark.parametrize("version", [0, 1])
def test_the_database_of_something_else_is_refused(tmp_path: Path, version: int, mode: str) -> None:
    """Also where its own version is the number of ours."""
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.execute("CREATE TABLE saga (title text)")
        connection.execute(f"PRAGMA user_version = {version}")
        connection.commit()
    refused(path, "other.db: this is the database of something else")


@pytest.mark.parametrize("version", [0, 2])
def test_a_store_of_another_version_is_refused(path: Path, version: int) -> None:
    """Earlier or later; the sentence says which."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    refused(path, f"sagas.db: this store of sagas has version {version} of the tables, and this library version 1")


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    """As `mktemp` makes it."""
    path = tmp_path / "sagas.db"
    path.touch()
    use(path, lambda store: store.create("s", "order", "{}"))
    assert [record.saga_id for record in use(path, lambda store: store.list())] == ["s"]


def test_a_directory_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    """It is not made, and not waited for."""
    path = tmp_path / "missing" / "sagas.db"
    cause = use(path, lambda store: fails(store.list(), StoreError, "sagas.db: unable to open database file"))
    assert isinstance(cause, sqlite3.OperationalError)
    assert not path.parent.exists()


def test_a_directory_is_no_store(tmp_path: Path) -> None:
    """One sentence."""
    use(tmp_path, lambda store: fails(store.list(), StoreError, "unable to open database file"))


@pytest.mark.parametrize("name", [":memory:", ""])
def test_a_database_without_a_file_is_refused(name: str) -> None:
    """It could not keep what it promises."""
    store = SqliteStore(name)

    async def main() -> None:
        await fails(store.list(), StoreError, "use a file on a local file system")
        await store.close()

    asyncio.run(main())


@contextmanager
def unprivileged() -> Iterator[None]:
    """Permissions count: not root, if that is who runs the tests."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def public() -> Iterator[Path]:
    """A directory that everybody can enter and write to, with the file of a store that everybody can write to."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o777)

        async def body(store: SqliteStore) -> None:
            await store.create("s", "order", "{}")

        use(directory / "sagas.db", body)
        (directory / "sagas.db").chmod(0o666)
        yield directory
        directory.chmod(0o777)


def test_a_read_only_file_is_one_sentence(public: Path) -> None:
    """Writing to it fails for good."""
    (public / "sagas.db").chmod(0o444)
    with unprivileged():
        use(public / "sagas.db", lambda store: fails(store.take("s"), StoreError, "readonly database"))


@pytest.mark.parametrize("name", ["sagas.db", "new.db"])
def test_a_read_only_directory_is_one_sentence(public: Path, name: str) -> None:
    """A store cannot be made there, nor one that is there be used."""
    public.chmod(0o555)
    with unprivileged():
        text = "unable to open database file|readonly database"
        use(public / name, lambda store: fails(store.take("s"), StoreError, text))
