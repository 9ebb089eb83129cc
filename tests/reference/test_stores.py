"""What `Store` says is true of each store; on random calls all stores are alike."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postgres_server import PostgresServer
from sagaref._errors import NoSuchSaga, SagaError, SagaExists, StoreError, Superseded, TransientStoreError
from sagaref._log import Event, LogEntry
from sagaref._memory_store import MemoryStore
from sagaref._postgres import PostgresStore
from sagaref._sqlite import SqliteStore
from sagaref._store import CachedState, SagaRecord, Store, TakenSaga

T = TypeVar("T")

STARTED = LogEntry(0, Event.STARTED)
SUCCEEDED = LogEntry(0, Event.SUCCEEDED, '{"an": "output"}')
DAG = '{"end_node": 1, "start_node": 0}'


@dataclass(frozen=True)
class Kept:
    """A place where sagas are kept; each call of `open` gives a store on it, as a restarted process would have it."""

    kind: str
    open: Callable[[], Store]


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    """Each kind of store in turn, empty."""
    kind: str = request.param
    if kind == "memory":
        store = MemoryStore()
        return Kept(kind, lambda: store)
    if kind == "sqlite":
        return Kept(kind, lambda: SqliteStore(tmp_path / "sagas.db"))
    server: PostgresServer = request.getfixturevalue("postgres")
    conninfo = server.conninfo(request.getfixturevalue("database"))
    return Kept(kind, lambda: PostgresStore(conninfo))


def use(store: Store, body: Callable[[Store], Awaitable[T]]) -> T:
    """Run something on a store, and close it."""

    async def main() -> T:
        try:
            return await body(store)
        finally:
            await store.close()

    return asyncio.run(main())


async def fails(call: Awaitable[object], error: type[SagaError], text: str = ".") -> None:
    """The call raises exactly this class of error, and nothing less definite."""
    with pytest.raises(error, match=text) as raised:
        await call
    assert raised.type is error


async def taken(store: Store, times: int = 1, saga_id: str = "s") -> None:
    """A saga that was created, and taken this often."""
    await store.create(saga_id, "order", DAG)
    for _ in range(times):
        await store.take(saga_id)


# create ---------------------------------------------------------------------------------------------------------------


def test_a_new_saga_is_running_with_generation_0_and_an_empty_log(kept: Kept) -> None:
    """The record has what was given, and the log nothing."""

    async def body(store: Store) -> None:
        await store.create("s", "order", DAG)
        assert await store.get("s") == SagaRecord("s", "order", DAG, CachedState.RUNNING, 0)
        assert await store.log("s") == ()

    use(kept.open(), body)


def test_create_again_with_the_same_arguments_is_success(kept: Kept) -> None:
    """Whoever does not know whether its create arrived calls it again, and one saga comes of it."""

    async def body(store: Store) -> None:
        await store.create("s", "order", DAG)
        await store.create("s", "order", DAG)
        assert [record.saga_id for record in await store.list()] == ["s"]

    use(kept.open(), body)


@pytest.mark.parametrize(("name", "dag"), [("other", DAG), ("order", "{}")])
def test_create_of_another_saga_with_the_id_is_refused(kept: Kept, name: str, dag: str) -> None:
    """The first saga stays as it is."""

    async def body(store: Store) -> None:
        await store.create("s", "order", DAG)
        await fails(store.create("s", name, dag), SagaExists)
        assert await store.get("s") == SagaRecord("s", "order", DAG, CachedState.RUNNING, 0)

    use(kept.open(), body)


def test_create_of_a_saga_that_has_been_taken_is_refused(kept: Kept) -> None:
    """A second saga of that id is not mistaken for a retry."""

    async def body(store: Store) -> None:
        await taken(store)
        await fails(store.create("s", "order", DAG), SagaExists)
        assert (await store.get("s")).generation == 1

    use(kept.open(), body)


# take -----------------------------------------------------------------------------------------------------------------


def test_take_raises_the_generation_and_gives_the_log(kept: Kept) -> None:
    """By one, each time; with all that was written before."""

    async def body(store: Store) -> None:
        await store.create("s", "order", DAG)
        record = SagaRecord("s", "order", DAG, CachedState.RUNNING, 1)
        assert await store.take("s") == TakenSaga(record, ())
        await store.append("s", 1, STARTED)
        await store.update("s", 1, CachedState.UNWINDING)
        record = SagaRecord("s", "order", DAG, CachedState.UNWINDING, 2)
        assert await store.take("s") == TakenSaga(record, (STARTED,))
        assert await store.get("s") == record

    use(kept.open(), body)


def test_take_of_one_saga_leaves_the_others(kept: Kept) -> None:
    """The owner of another saga goes on writing."""

    async def body(store: Store) -> None:
        await taken(store, 1, "s")
        await taken(store, 2, "t")
        await store.append("s", 1, STARTED)
        assert (await store.get("s")).generation == 1
        assert await store.log("t") == ()

    use(kept.open(), body)


# append and update ----------------------------------------------------------------------------------------------------


def test_the_log_is_in_the_order_of_its_writing(kept: Kept) -> None:
    """Whatever the nodes and events are; nothing is reordered, and no data changed."""
    entries = [
        LogEntry(7, Event.STARTED),
        LogEntry(2, Event.STARTED),
        LogEntry(7, Event.FAILED, '{"message": "näh \\u0000 \N{MUSICAL SYMBOL G CLEF}"}'),
        LogEntry(2, Event.SUCCEEDED, " 1.50 "),
        LogEntry(0, Event.UNDO_STARTED),
        LogEntry(0, Event.UNDO_FINISHED),
        LogEntry(1, Event.UNDO_FAILED, ""),
    ]

    async def body(store: Store) -> None:
        await taken(store)
        for length, entry in enumerate(entries, 1):
            await store.append("s", 1, entry)
            assert await store.log("s") == tuple(entries[:length])

    use(kept.open(), body)


def test_concurrent_appends_all_land_and_a_log_only_grows_at_its_end(kept: Kept) -> None:
    """What was read of a log while others write to it is the beginning of what is read later."""
    entries = [LogEntry(node, Event.STARTED) for node in range(20)]

    async def body(store: Store) -> None:
        await taken(store)
        read: list[tuple[LogEntry, ...]] = []

        async def watch() -> None:
            while not read or len(read[-1]) < len(entries):
                read.append(await store.log("s"))
                await asyncio.sleep(0)

        await asyncio.gather(watch(), *(store.append("s", 1, entry) for entry in entries))
        assert set(read[-1]) == set(entries)
        assert all(log == read[-1][: len(log)] for log in read)

    use(kept.open(), body)


def test_append_again_by_the_same_generation_with_the_same_data_is_success(kept: Kept) -> None:
    """The event is there once, in its first place."""

    async def body(store: Store) -> None:
        await taken(store)
        for entry in (STARTED, SUCCEEDED, STARTED, SUCCEEDED):
            await store.append("s", 1, entry)
        assert await store.log("s") == (STARTED, SUCCEEDED)

    use(kept.open(), body)


def test_append_again_with_other_data_is_refused(kept: Kept) -> None:
    """A node has an event once; the first data stay."""

    async def body(store: Store) -> None:
        await taken(store)
        await store.append("s", 1, SUCCEEDED)
        await fails(store.append("s", 1, LogEntry(0, Event.SUCCEEDED, "2")), StoreError, "with other data")
        assert await store.log("s") == (SUCCEEDED,)

    use(kept.open(), body)


def test_append_of_what_another_generation_wrote_is_refused(kept: Kept) -> None:
    """The new owner has read the event, and must not write it as its own."""

    async def body(store: Store) -> None:
        await taken(store)
        await store.append("s", 1, STARTED)
        await store.take("s")
        await fails(store.append("s", 2, STARTED), StoreError, "from generation 1")
        assert await store.log("s") == (STARTED,)

    use(kept.open(), body)


def test_writes_of_an_older_generation_are_refused(kept: Kept) -> None:
    """Whoever lost a saga learns it from its next write, which changes nothing."""

    async def body(store: Store) -> None:
        await taken(store, 2)
        before = await store.get("s")
        for generation in (0, 1):
            await fails(store.append("s", generation, STARTED), Superseded)
            await fails(store.update("s", generation, CachedState.DONE), Superseded)
        assert await store.log("s") == ()
        assert await store.get("s") == before

    use(kept.open(), body)


def test_a_retry_of_an_older_generation_is_superseded_even_where_its_event_is_there(kept: Kept) -> None:
    """It is no owner any more, whatever it wrote before."""

    async def body(store: Store) -> None:
        await taken(store)
        await store.append("s", 1, STARTED)
        await store.take("s")
        await fails(store.append("s", 1, STARTED), Superseded)

    use(kept.open(), body)


@pytest.mark.parametrize(("times", "generation"), [(0, 0), (0, 1), (1, 2), (0, -1)])
def test_writes_of_a_generation_that_nobody_has_are_refused(kept: Kept, times: int, generation: int) -> None:
    """Only what `take` returned is a generation to write with."""

    async def body(store: Store) -> None:
        await taken(store, times)
        error = Superseded if generation < times else StoreError
        await fails(store.append("s", generation, STARTED), error)
        await fails(store.update("s", generation, CachedState.DONE), error)
        assert await store.log("s") == ()
        assert (await store.get("s")).state is CachedState.RUNNING

    use(kept.open(), body)


def test_update_writes_the_cached_state(kept: Kept) -> None:
    """Any state after any other, and the same one again."""

    async def body(store: Store) -> None:
        await taken(store)
        for state in (*CachedState, *reversed(CachedState)):
            await store.update("s", 1, state)
            assert (await store.get("s")).state is state

    use(kept.open(), body)


def test_calls_on_a_saga_that_is_not_there_say_so(kept: Kept) -> None:
    """All of them, and none makes it."""

    async def body(store: Store) -> None:
        await store.create("other", "order", DAG)
        await fails(store.take("s"), NoSuchSaga)
        await fails(store.append("s", 1, STARTED), NoSuchSaga)
        await fails(store.update("s", 1, CachedState.DONE), NoSuchSaga)
        await fails(store.get("s"), NoSuchSaga)
        await fails(store.log("s"), NoSuchSaga)
        assert [record.saga_id for record in await store.list()] == ["other"]

    use(kept.open(), body)


# list -----------------------------------------------------------------------------------------------------------------

IDS = ["Z", "a", "a b", "a-b", "aB", "ab", "é", "ﬀ", "\N{MUSICAL SYMBOL G CLEF}", "%", "_", "?", "'", "", "a\u0301"]


def test_list_goes_by_code_points_and_page_by_page(kept: Kept) -> None:
    """Neither case, accents, punctuation nor surrogates bend the order; no saga is left out or seen twice."""

    async def body(store: Store) -> None:
        for saga_id in IDS:
            await store.create(saga_id, "order", DAG)
        assert [record.saga_id for record in await store.list()] == sorted(IDS)
        for limit in (1, 4, len(IDS)):
            seen: list[str] = []
            while page := await store.list(after=seen[-1] if seen else None, limit=limit):
                assert len(page) == min(limit, len(IDS) - len(seen))
                seen += [record.saga_id for record in page]
            assert seen == sorted(IDS)

    use(kept.open(), body)


def test_list_goes_on_after_an_id_that_is_not_there(kept: Kept) -> None:
    """What is asked for is a place in the order."""

    async def body(store: Store) -> None:
        for saga_id in ("a", "c"):
            await store.create(saga_id, "order", DAG)
        assert [record.saga_id for record in await store.list(after="b")] == ["c"]
        assert list(await store.list(after="c")) == []

    use(kept.open(), body)


def test_list_of_unfinished_sagas_leaves_out_those_that_are_done(kept: Kept) -> None:
    """They do not count towards the page either."""

    async def body(store: Store) -> None:
        for saga_id, state in zip("abcd", (CachedState.DONE, *CachedState), strict=True):
            await taken(store, 1, saga_id)
            await store.update(saga_id, 1, state)
        assert [record.saga_id for record in await store.list(unfinished=True)] == ["b", "c"]
        assert [record.saga_id for record in await store.list(unfinished=True, limit=1)] == ["b"]
        assert [record.saga_id for record in await store.list(unfinished=True, after="b")] == ["c"]
        assert [record.state for record in await store.list()] == [CachedState.DONE, *CachedState]

    use(kept.open(), body)


def test_list_gives_at_most_a_hundred_sagas_unless_told(kept: Kept) -> None:
    """The limit has a default."""

    async def body(store: Store) -> None:
        for number in range(101):
            await store.create(f"{number:03}", "order", DAG)
        assert [record.saga_id for record in await store.list()] == [f"{number:03}" for number in range(100)]

    use(kept.open(), body)


@pytest.mark.parametrize("limit", [0, -1])
def test_a_page_without_a_saga_cannot_be_asked_for(kept: Kept, limit: int) -> None:
    """The error says what to ask for."""
    use(kept.open(), lambda store: fails(store.list(limit=limit), StoreError, "ask for 1 or more"))


# The store as a whole -------------------------------------------------------------------------------------------------


def test_a_store_opened_again_has_what_was_written(kept: Kept) -> None:
    """Whoever restarts finds its sagas, and takes them."""

    async def before(store: Store) -> None:
        await taken(store)
        await store.append("s", 1, STARTED)
        await store.update("s", 1, CachedState.UNWINDING)

    use(kept.open(), before)
    record = SagaRecord("s", "order", DAG, CachedState.UNWINDING, 2)
    assert use(kept.open(), lambda store: store.take("s")) == TakenSaga(record, (STARTED,))


def test_two_store_objects_share_the_sagas_and_the_fencing(kept: Kept) -> None:
    """A saga that was taken through one is lost to whoever had taken it through the other."""

    async def body(store: Store) -> None:
        other = kept.open()
        try:
            await taken(store)
            await store.append("s", 1, STARTED)
            assert (await other.take("s")).log == (STARTED,)
            await fails(store.append("s", 1, SUCCEEDED), Superseded)
            await other.append("s", 2, SUCCEEDED)
            assert await store.log("s") == (STARTED, SUCCEEDED)
        finally:
            await other.close()

    use(kept.open(), body)


def test_of_many_that_take_a_saga_at_once_each_has_a_generation_of_its_own(kept: Kept) -> None:
    """There are never two owners."""

    async def body(store: Store) -> None:
        other = kept.open()
        try:
            await store.create("s", "order", DAG)
            found = await asyncio.gather(*(s.take("s") for s in (store, other) * 5))
            assert sorted(saga.record.generation for saga in found) == list(range(1, 11))
        finally:
            await other.close()

    use(kept.open(), body)


def test_of_many_that_create_different_sagas_of_one_id_one_succeeds(kept: Kept) -> None:
    """The others are told, and its record is the one that is kept."""

    async def body(store: Store) -> None:
        calls = (store.create("s", f"order {number}", DAG) for number in range(10))
        results = await asyncio.gather(*calls, return_exceptions=True)
        (winner,) = (number for number, result in enumerate(results) if result is None)
        assert all(isinstance(result, SagaExists) for result in results if result is not None)
        assert (await store.get("s")).name == f"order {winner}"

    use(kept.open(), body)


@pytest.mark.parametrize("bad", ["a\0b", "a\ud800b"], ids=["nul", "surrogate"])
def test_a_text_that_no_store_can_keep_is_refused(kept: Kept, bad: str) -> None:
    """In any place, with one sentence, and with nothing written."""

    async def body(store: Store) -> None:
        await taken(store)
        before = await store.get("s")
        for call in (
            store.create(bad, "order", DAG),
            store.create("t", bad, DAG),
            store.create("t", "order", bad),
            store.take(bad),
            store.append(bad, 1, STARTED),
            store.append("s", 1, LogEntry(0, Event.SUCCEEDED, bad)),
            store.update(bad, 1, CachedState.DONE),
            store.get(bad),
            store.log(bad),
            store.list(after=bad),
        ):
            await fails(call, StoreError, "no store can keep a text with a")
        assert list(await store.list()) == [before]
        assert await store.log("s") == ()

    use(kept.open(), body)


def test_long_texts_are_kept(kept: Kept) -> None:
    """A megabyte of DAG or data is nothing special."""
    long = '"' + "é" * 1_000_000 + '"'

    async def body(store: Store) -> None:
        await store.create("s", "order", long)
        await store.take("s")
        await store.append("s", 1, LogEntry(0, Event.SUCCEEDED, long))
        assert (await store.get("s")).dag == long
        assert await store.log("s") == (LogEntry(0, Event.SUCCEEDED, long),)

    use(kept.open(), body)


def test_close_twice_is_no_error_and_ends_the_use_of_the_store(kept: Kept) -> None:
    """Only a store that has nothing to let go of is used after it."""

    async def body(store: Store) -> None:
        await store.create("s", "order", DAG)
        await store.close()
        await store.close()
        if kept.kind == "memory":
            await store.get("s")
        else:
            await fails(store.get("s"), StoreError, "closed")

    use(kept.open(), body)


def test_close_waits_for_the_calls_in_progress(kept: Kept) -> None:
    """What was called before it is done when it returns."""

    async def body(store: Store) -> None:
        await taken(store)
        calls = [asyncio.create_task(store.append("s", 1, LogEntry(node, Event.STARTED))) for node in range(10)]
        await asyncio.sleep(0)  # they have begun
        await asyncio.gather(store.close(), store.close())
        assert all(call.done() for call in calls)
        await asyncio.gather(*calls)

    use(kept.open(), body)
    assert len(use(kept.open(), lambda store: store.log("s"))) == 10


def test_a_store_that_was_never_used_can_be_closed(kept: Kept) -> None:
    """There is nothing to let go of yet."""
    asyncio.run(kept.open().close())


def test_a_cancelled_append_is_decided_when_its_retry_returns(kept: Kept) -> None:
    """It had its effect or not, and the event is there once."""

    async def body(store: Store) -> None:
        await taken(store)
        for node in range(10):
            call = asyncio.create_task(store.append("s", 1, LogEntry(node, Event.STARTED)))
            for _ in range(node):  # further into the call each time
                await asyncio.sleep(0)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
            await store.append("s", 1, LogEntry(node, Event.STARTED))
        assert await store.log("s") == tuple(LogEntry(node, Event.STARTED) for node in range(10))

    use(kept.open(), body)


def test_a_cancelled_append_does_not_land_after_a_take_returned(kept: Kept) -> None:
    """The log that the new owner has is the log."""

    async def body(store: Store) -> None:
        await taken(store)
        for node in range(10):
            call = asyncio.create_task(store.append("s", node + 1, LogEntry(node, Event.STARTED)))
            for _ in range(node):
                await asyncio.sleep(0)
            call.cancel()
            found = await store.take("s")
            await asyncio.gather(call, return_exceptions=True)
            assert await store.log("s") == found.log

    use(kept.open(), body)


# All stores alike -----------------------------------------------------------------------------------------------------

SAGA_IDS = st.sampled_from(["a", "B", "é", "\N{MUSICAL SYMBOL G CLEF}"])
ENTRIES = st.builds(LogEntry, st.integers(0, 2), st.sampled_from(Event), st.sampled_from(["null", "1"]))
# How much the generation of a write differs from that of the saga: mostly not.
BESIDE = st.sampled_from([0, 0, 0, 0, -1, 1])
CALLS = st.one_of(
    st.tuples(st.just("create"), SAGA_IDS, st.sampled_from(["order", "order", "other"]), st.just(DAG)),
    st.tuples(st.just("take"), SAGA_IDS),
    st.tuples(st.just("append"), SAGA_IDS, BESIDE, ENTRIES),
    st.tuples(st.just("append"), SAGA_IDS, BESIDE, ENTRIES),
    st.tuples(st.just("update"), SAGA_IDS, BESIDE, st.sampled_from(CachedState)),
    st.tuples(st.just("get"), SAGA_IDS),
    st.tuples(st.just("log"), SAGA_IDS),
    st.tuples(st.just("list"), st.none() | SAGA_IDS, st.integers(0, 3), st.booleans()),
)
# Each call is made this often.
HISTORIES = st.lists(st.tuples(CALLS, st.sampled_from([1, 1, 2])), max_size=30)


async def outcome(store: Store, method: str, *arguments: object) -> object:
    """What a call returns, or the class and the text of its error."""
    try:
        if method == "list":
            after, limit, unfinished = arguments
            return await store.list(after=after, limit=limit, unfinished=unfinished)  # type: ignore[arg-type]
        return await getattr(store, method)(*arguments)
    except TransientStoreError:
        raise
    except SagaError as error:
        return type(error), str(error)


async def agrees_with_memory(store: Store, history: list[tuple[tuple[object, ...], int]]) -> None:
    """Every call on the store ends as it does on a MemoryStore."""
    model = MemoryStore()
    try:
        for (method, *arguments), times in history:
            if method in ("append", "update"):
                saga_id, beside, what = arguments
                known = [r.generation for r in await model.list() if r.saga_id == saga_id]
                arguments = [saga_id, sum(known) + beside, what]  # type: ignore[operator]
            for _ in range(times):
                expected = await outcome(model, str(method), *arguments)
                assert await outcome(store, str(method), *arguments) == expected
        assert await store.list() == await model.list()
        for record in await model.list():
            assert await store.log(record.saga_id) == await model.log(record.saga_id)
    finally:
        await store.close()


@settings(max_examples=100, deadline=None)
@given(HISTORIES)
def test_sqlite_agrees_with_memory(history: list[tuple[tuple[object, ...], int]]) -> None:
    """On random calls with several sagas, generations and retries."""
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(agrees_with_memory(SqliteStore(Path(directory, "sagas.db")), history))


def test_postgres_agrees_with_memory(postgres: PostgresServer, database: str) -> None:
    """On random calls with several sagas, generations and retries."""
    connection = postgres.connect(database)

    @settings(max_examples=100, deadline=None)
    @given(HISTORIES)
    def agrees(history: list[tuple[tuple[object, ...], int]]) -> None:
        connection.execute("DROP SCHEMA IF EXISTS sagaref CASCADE")
        asyncio.run(agrees_with_memory(PostgresStore(postgres.conninfo(database)), history))

    with connection:
        agrees()
