"""Claims about stores that fail: transiently, for good, and in ways that no store may."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sagaref import (
    CachedState,
    Ending,
    Event,
    Executor,
    LogEntry,
    MemoryStore,
    NoSuchSaga,
    Retry,
    SagaStopped,
    StoreError,
    TransientStoreError,
)
from sagaref._durable import DurableLog
from staging import Between, Stage, hang, raising, run, started


class Moody(Between):
    """A store that fails at some calls, before or after it has had its effect.

    Args:
        store: what it is around.
        moods: the number of a call -> what is raised instead.
        late: whether the effect is there when it is raised.
    """

    def __init__(self, store: Any, moods: dict[int, BaseException], *, late: bool = False) -> None:
        super().__init__(store, self._count)
        self.calls = 0
        self.moods = moods
        self.late = late

    async def _count(self, *_: Any) -> None:
        self.calls += 1
        if not self.late:
            self._fail()

    def _fail(self) -> None:
        if self.calls in self.moods:
            raise self.moods[self.calls]

    def __getattr__(self, name: str) -> Any:
        inner = super().__getattr__(name)

        async def call(*args: Any, **options: Any) -> Any:
            result = await inner(*args, **options)
            if self.late:
                self._fail()
            return result

        return call


def count(stage: Stage) -> int:
    """How often an undisturbed run of the saga below calls the store."""
    store: Any = Moody(MemoryStore(), {})

    async def main() -> None:
        async with Executor(store, stage.registry) as executor:
            await executor.run(stage.dag("a b", "c"), saga_id="s")

    run(main())
    return int(store.calls)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("fails", [False, True])
def test_a_transient_failure_of_any_call_is_repeated_and_nobody_notices(late: bool, fails: bool) -> None:
    """Whether the call had its effect or not, the log is that of an undisturbed run, and each action ran once."""
    tricks = {"c": raising(ValueError("no"))} if fails else {}
    undisturbed = Stage(**tricks)
    calls = count(undisturbed)
    for call in range(1, calls + 1):
        stage = Stage(**tricks)
        store: Any = Moody(stage.store, {call: TransientStoreError("busy")}, late=late)

        async def main(stage: Stage = stage, store: Any = store) -> None:
            async with Executor(store, stage.registry) as executor:
                result = await executor.run(stage.dag("a b", "c"), saga_id="s")
                assert result.ending is (Ending.UNWOUND if fails else Ending.SUCCEEDED)
                taken_twice = late and 2 in store.moods
                assert (await executor.get("s")).generation == 1 + taken_twice

        run(main())
        assert sorted(stage.ran) == sorted(undisturbed.ran)
        assert store.calls == calls + 2  # once more, and `get`


def test_the_status_shows_the_trouble_while_a_call_is_repeated() -> None:
    """Also while the saga is being taken; it is gone when the call has succeeded."""
    stage, moods = Stage(), {"take": "away", "append": "busy", "update": "locked"}

    async def moody(name: str, *_: Any) -> None:
        if name in moods:
            raise TransientStoreError(moods[name])

    async def main() -> None:
        store: Any = Between(stage.store, moody)
        async with Executor(store, stage.registry) as executor:
            saga = await executor.create(stage.dag("a"), saga_id="s")
            running = asyncio.gather(saga.start(), return_exceptions=True)
            for method, started_, phase in (
                ("take", False, "not started"),
                ("append", True, "running"),
                ("update", True, "succeeded"),
            ):
                await asyncio.sleep(100)
                status = saga.status()
                assert (status.started, status.trouble) == (started_, moods[method])
                assert status.tree().startswith(f"saga s (saga): {phase}; the store is called again: {moods[method]}\n")
                del moods[method]
            await running
            assert (await saga.wait()).ending is Ending.SUCCEEDED
            assert saga.status().trouble == ""

    run(main())


@pytest.mark.parametrize(
    ("method", "what"),
    [
        ("create", "creating saga t"),
        ("get", "reading saga s"),
        ("log", "reading the log of saga s"),
        ("list", "listing the sagas"),
        ("take", "taking saga s"),
        ("append", "writing started of node 1 of saga s"),
        ("update", "writing that saga s is done"),
    ],
)
def test_trouble_is_logged_at_the_first_failure_and_then_rarely(
    method: str, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    """So that whoever waits for a server that is not there hears of it; each warning says what it is about."""
    stage, failures = Stage(), 0

    async def moody(name: str, *_: Any) -> None:
        nonlocal failures
        if name == method and failures < 20:
            failures += 1
            raise TransientStoreError("away,\nfar away")

    async def main() -> None:
        async with stage.executor() as executor:
            await executor.create(stage.dag("a"), saga_id="s")
            executor._store = Between(stage.store, moody)  # type: ignore[assignment]
            if method == "create":
                await executor.create(stage.dag("a"), saga_id="t")
            elif method == "log":
                await executor.log("s")
            elif method == "list":
                await executor.resume_all()
            else:
                await executor.get("s")
                await (await executor.resume("s")).wait()

    run(main())
    assert {(record.name, record.levelname) for record in caplog.records} == {("sagaref", "WARNING")}
    assert caplog.messages == [
        f"{what}: the store failed{times}, and is called again: away, far away"
        for times in ("", " 2 times", " 4 times", " 8 times", " 16 times")
    ]


def test_one_write_that_succeeds_does_not_hide_the_trouble_of_another() -> None:
    """The trouble is there as long as any write is being repeated."""

    class Store(MemoryStore):
        async def append(self, saga_id: str, generation: int, entry: LogEntry) -> None:
            left[entry.node] -= 1
            if left[entry.node] >= 0:
                raise TransientStoreError(f"busy with {entry.node}")
            await super().append(saga_id, generation, entry)

    left = {1: 3, 0: 1}

    async def main() -> None:
        store = Store()
        await store.create("s", "saga", "{}")
        await store.take("s")
        log = DurableLog(store, "s", 1, Retry(first=10, factor=1, most=10))
        writes = [asyncio.create_task(log.append(LogEntry(n, Event.STARTED))) for n in left]
        await asyncio.sleep(15)
        assert (writes[1].done(), log.trouble) == (True, "busy with 1")
        await asyncio.gather(*writes)
        assert log.trouble == ""

    run(main())


def test_the_pauses_grow_up_to_a_limit() -> None:
    """And end where attempts do."""
    assert list(Retry(first=1, factor=2, most=5, attempts=6).pauses()) == [1, 2, 4, 5, 5]
    assert list(Retry(attempts=1).pauses()) == []
    assert list(Retry(first=9, most=3, attempts=3).pauses()) == [3, 3]
    endless = Retry().pauses()
    assert [next(endless) for _ in range(10_000)][-1] == 1.0


def test_a_store_that_stays_away_for_hours_is_waited_for() -> None:
    """Unless the number of attempts is limited; then the last trouble is the reason."""
    for attempts in (None, 4):
        stage = Stage()

        async def away(name: str, *_: Any) -> None:
            if name == "append" and asyncio.get_running_loop().time() < 20_000:
                raise TransientStoreError("away")

        async def main(stage: Stage = stage, away: Any = away, attempts: int | None = attempts) -> None:
            store: Any = Between(stage.store, away)
            async with Executor(store, stage.registry, retry=Retry(attempts=attempts)) as executor:
                saga = await started(executor, stage.dag("a"))
                waits = [asyncio.create_task(saga.wait()) for _ in range(2)]
                await asyncio.wait(waits)
                assert len({id(wait.exception()) for wait in waits}) == (1 if attempts is None else 2)
                if attempts is None:
                    assert (await saga.wait()).ending is Ending.SUCCEEDED
                    return
                with pytest.raises(SagaStopped, match="the store failed 4 times, at last with: away") as caught:
                    await saga.wait()
                assert isinstance(caught.value.__cause__, StoreError)
                assert isinstance(caught.value.__cause__.__cause__, TransientStoreError)

        run(main())


def test_what_failed_leaves_nothing_behind() -> None:
    """A start that failed shows no trouble any more, and an id whose saga could not be created is free."""
    stage = Stage()

    async def away(name: str, *_: Any) -> None:
        if name in broken:
            raise TransientStoreError("away")

    broken = {"create", "take"}

    async def main() -> None:
        store: Any = Between(stage.store, away)
        async with Executor(store, stage.registry, retry=Retry(attempts=3)) as executor:
            errors = []
            with pytest.raises(StoreError) as caught:
                await executor.create(stage.dag("a"), saga_id="s")
            errors.append(caught)  # with its traceback, in which the saga is
            broken.discard("create")
            saga = await executor.create(stage.dag("a"), saga_id="s")
            with pytest.raises(StoreError):
                await saga.start()
            assert saga.status().trouble == ""
            broken.clear()
            await saga.start()
            assert (await saga.wait()).ending is Ending.SUCCEEDED

    run(main())


FOR_GOOD: list[tuple[BaseException, str]] = [
    (StoreError("disk on fire"), "disk on fire"),
    (NoSuchSaga("s"), "there is no saga s"),
    (OSError(5, "io"), "the store failed: OSError: [Errno 5] io"),
    (ValueError("odd"), "the store failed: ValueError: odd"),
    (ExceptionGroup("two", [OSError()]), "the store failed: ExceptionGroup: two (1 sub-exception)"),
    (asyncio.CancelledError(), "a call of the store was cancelled, but not by this executor"),
    (RecursionError("deep"), "the store failed: RecursionError: deep"),
]


@pytest.mark.parametrize(("error", "reason"), FOR_GOOD, ids=[type(e[0]).__name__ for e in FOR_GOOD])
@pytest.mark.parametrize("late", [False, True])
def test_a_failure_for_good_stops_the_saga_at_any_call_and_resuming_goes_on(
    error: BaseException, reason: str, late: bool
) -> None:
    """The saga stops with the cause, what runs in it is cancelled, another saga is not touched, nothing is lost."""
    calls = count(Stage(c=raising(ValueError("no"))))
    for call in range(3, calls + 1):  # the first two are `create` and `take`
        stage = Stage(c=raising(ValueError("no")))
        store: Any = Moody(stage.store, {}, late=late)

        async def main(stage: Stage = stage, store: Any = store, call: int = call) -> None:
            async with Executor(store, stage.registry) as executor:
                stage.tricks["x"] = hang
                other = await started(executor, stage.dag("x"), "other")
                await stage.begun["x"].wait()
                store.moods[store.calls + call] = error
                saga = await started(executor, stage.dag("a b", "c"))
                with pytest.raises(SagaStopped) as caught:
                    await saga.wait()
                assert caught.value.reason == reason
                cause = caught.value.__cause__
                assert cause is error or cause.__cause__ is error  # type: ignore[union-attr]
                assert saga.status().stopped == reason
                assert executor.running == (other,)
                other.cancel("x")
                assert (await other.wait()).ending is Ending.UNWOUND
                before = await executor.log("s")
                store.moods.clear()
                result = await (await executor.resume("s")).wait()
                assert result.ending is Ending.UNWOUND
                assert (await executor.log("s"))[: len(before)] == before
                assert (await executor.get("s")).state is CachedState.DONE
            assert len([what for what in stage.ran if what == "undo a"]) in (1, 2)

        run(main())


def test_a_store_that_fails_for_good_cancels_what_is_in_flight() -> None:
    """An action beside the one whose write failed does not run on, unseen."""
    cancelled: list[str] = []

    async def beside(_: Any) -> None:
        try:
            await hang(_)
        finally:
            cancelled.append("b")

    stage = Stage(b=beside, a=lambda _: asyncio.sleep(5))

    async def fails(name: str, *args: Any) -> None:
        if name == "append" and args[2].event.value == "succeeded" and args[2].node == 0:
            raise OSError("no")

    async def main() -> None:
        store: Any = Between(stage.store, fails)
        async with Executor(store, stage.registry) as executor:
            saga = await started(executor, stage.dag("a b", "c"))
            with pytest.raises(SagaStopped):
                await saga.wait()
            assert cancelled == ["b"]

    run(main())


@pytest.mark.parametrize(("error", "reason"), FOR_GOOD, ids=[type(e[0]).__name__ for e in FOR_GOOD])
def test_whoever_asks_a_failing_store_has_the_error(error: BaseException, reason: str) -> None:
    """`create`, `start`, `get`, `log` and `list` raise it; what is not documented is wrapped."""
    stage = Stage()

    async def main() -> None:
        async with stage.executor() as executor:
            saga = await executor.create(stage.dag("a"), saga_id="s")
            executor._store = Moody(stage.store, dict.fromkeys(range(100), error))  # type: ignore[assignment]
            for ask in (
                executor.create(stage.dag("a")),
                saga.start(),
                executor.get("s"),
                executor.log("s"),
                executor.list(),
                executor.find("other"),
                executor.resume_all(),
            ):
                with pytest.raises((StoreError, NoSuchSaga)) as caught:
                    await ask
                assert str(caught.value) == reason

    run(main())


def test_who_is_cancelled_while_a_store_is_called_is_cancelled() -> None:
    """That is no failure of the store."""
    stage = Stage()

    async def main() -> None:
        async with stage.executor() as executor:
            store: Any = Between(stage.store, hang_in_store)
            executor._store = store
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(executor.list(), 1)
            asking = asyncio.create_task(executor.get("s"))
            await asyncio.sleep(1)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking

    async def hang_in_store(*_: Any) -> None:
        await asyncio.Event().wait()

    run(main())


def test_a_saga_that_is_deleted_from_the_store_stops() -> None:
    """There is nothing to go on with."""
    stage = Stage(a=hang)

    async def main() -> None:
        async with stage.executor() as executor:
            saga = await started(executor, stage.dag("a"))
            await stage.begun["a"].wait()
            del stage.store._sagas["s"]
            saga.cancel("a")
            with pytest.raises(SagaStopped, match="there is no saga s"):
                await saga.wait()
            with pytest.raises(NoSuchSaga):
                await executor.resume("s")

    run(main())
