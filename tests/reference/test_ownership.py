"""Claims about ownership: a saga belongs to the executor that took it last; the one before writes nothing more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sagaref import Ending, Event, Executor, Load, MemoryStore, SagaStopped, SqliteStore, Superseded, Unrecoverable
from sagaref._execution import Execution
from staging import Between, JumpingLoop, Stage, Watched, hang, raising, run, started

Stores = tuple[Callable[[], Any], type[Watched]]


@pytest.fixture(params=["memory", "sqlite"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stores]:
    """Makes stores that show the same sagas, as two processes would have them; and the loop that they need."""
    if request.param == "memory":
        one = MemoryStore()
        yield lambda: one, JumpingLoop
    else:
        yield lambda: SqliteStore(tmp_path / "sagas.db"), Watched


def both(stores: Stores, work: Callable[[Stage, Stage], Awaitable[None]], **tricks: Any) -> None:
    """Run this with two stages on one set of sagas."""
    make, loop = stores

    async def main() -> None:
        first, second = Stage(make(), **tricks), Stage(make())
        try:
            await work(first, second)
        finally:
            await first.store.close()
            await second.store.close()

    run(main(), loop)


def test_who_resumes_a_saga_owns_it_and_who_had_it_stops_at_its_next_write(stores: Stores) -> None:
    """The older one is refused, and its saga stops with the reason; the newer one's log has nothing of it."""

    async def work(first: Stage, second: Stage) -> None:
        async with first.executor() as older, second.executor() as newer:
            saga = await started(older, first.dag("a", "b", "c"))
            await first.begun["b"].wait()
            taken = await newer.resume("s")
            assert (await taken.wait()).ending is Ending.SUCCEEDED
            log = await newer.log("s")
            assert not saga.ended  # it knows of nothing yet
            saga.cancel("b")
            with pytest.raises(SagaStopped, match="another executor has taken it") as caught:
                await saga.wait()
            assert isinstance(caught.value.__cause__, Superseded)
            assert "another executor has taken it" in saga.status().stopped
            assert older.running == ()
            assert await older.log("s") == log
            assert Event.FAILED not in {entry.event for entry in log}
            assert (first.ran, second.ran) == (["a", "b"], ["b", "c"])

    both(stores, work, b=hang)


def test_a_saga_can_be_taken_back(stores: Stores) -> None:
    """Ownership goes to and fro, a generation each time."""

    async def work(first: Stage, second: Stage) -> None:
        second.tricks["b"] = hang
        async with first.executor() as one, second.executor() as other:
            await started(one, first.dag("a", "b"))
            await first.begun["b"].wait()
            theirs = await other.resume("s")
            await second.begun["b"].wait()
            assert (await one.get("s")).generation == 2
            ours = await one.resume("s")
            assert (await one.get("s")).generation == 2  # it has not heard that it lost the saga, and lets it be
            ours.cancel("b")
            with pytest.raises(SagaStopped):
                await ours.wait()
            first.tricks.clear()
            again = await one.resume("s")
            assert again is not ours
            assert (await again.wait()).ending is Ending.SUCCEEDED
            assert (await one.get("s")).generation == 3
            theirs.cancel("b")
            with pytest.raises(SagaStopped):
                await theirs.wait()

    both(stores, work, b=hang)


def test_who_lost_a_saga_does_not_write_its_cached_state_either(stores: Stores) -> None:
    """A failure that nobody knows of begins no unwinding."""

    async def work(first: Stage, second: Stage) -> None:
        gate = asyncio.Event()

        async def hook(point: Any) -> None:
            if point.step == "unwinding_lands":
                gate.set()
                await asyncio.Event().wait() if not taken else None

        taken: list[Any] = []
        async with first.executor(hook=hook) as older, second.executor() as newer:
            saga = await started(older, first.dag("a"))
            await gate.wait()
            taken.append(await newer.resume("s"))
            result = await taken[0].wait()
            assert result.ending is Ending.UNWOUND
            assert result.failure is not None
            assert result.failure.message == "no"
            await saga.stop()

    both(stores, work, a=raising(ValueError("no")))


class Fussy(Execution):
    """It can rebuild no saga of which anything has succeeded."""

    allowed_parents = dict.fromkeys(Load, frozenset((Load.NEVER_STARTED,)))


class FussyExecutor(Executor):
    """An executor that can recover new sagas only, as one of an older release might."""

    execution_class = Fussy


def test_who_cannot_recover_a_saga_does_not_take_it_from_whoever_runs_it(stores: Stores) -> None:
    """By none of the ways to it; the saga runs on and ends where it is."""

    async def work(first: Stage, second: Stage) -> None:
        async with first.executor() as able, FussyExecutor(second.store, second.registry) as unable:
            saga = await started(able, first.dag("a", "b"))
            await first.begun["b"].wait()
            resumed = await unable.resume_all()
            assert resumed.sagas == ()
            assert isinstance(resumed.failed["s"], Unrecoverable)
            with pytest.raises(Unrecoverable):
                await unable.resume("s")
            with pytest.raises(Unrecoverable):
                await (await unable.find("s")).start()
            assert (await able.get("s")).generation == 1
            saga.cancel("b")
            assert (await saga.wait()).ending is Ending.UNWOUND
            assert second.ran == []

    both(stores, work, b=hang)


def test_a_saga_whose_log_becomes_unrecoverable_while_it_is_taken_is_not_run() -> None:
    """What was tried before is tried again on what was taken."""
    stage = Stage(b=hang)

    async def main() -> None:
        async with stage.executor() as executor:
            await started(executor, stage.dag("a", "b"))
            await stage.begun["b"].wait()

        async def breaks(name: str, *_: Any) -> None:
            if name == "take":
                stage.store._sagas["s"].events.pop(next(iter(stage.store._sagas["s"].events)))

        store: Any = Between(stage.store, breaks)
        async with Executor(store, stage.registry) as executor:
            with pytest.raises(Unrecoverable, match="its log says succeeded of node 2, which is never started"):
                await executor.resume("s")
            assert (executor.running, stage.ran) == ((), ["a", "b"])

    run(main())


def test_two_who_resume_at_once_are_one_owner_and_one_who_stops(stores: Stores) -> None:
    """Whoever comes second owns the saga; both together run it to its end once."""

    async def work(first: Stage, second: Stage) -> None:
        await first.executor().create(first.dag("a", "b", "c"), saga_id="s")
        async with first.executor() as one, second.executor() as other:
            sagas = await asyncio.gather(one.resume("s"), other.resume("s"))
            ends = await asyncio.gather(*(saga.wait() for saga in sagas), return_exceptions=True)
            stopped = [end for end in ends if isinstance(end, SagaStopped)]
            done = [end for end in ends if not isinstance(end, BaseException)]
            assert len(done) >= 1
            assert len(done) + len(stopped) == 2
            assert {end.ending for end in done} == {Ending.SUCCEEDED}
            entries = [(e.node, e.event) for e in await one.log("s")]
            assert len(entries) == len(set(entries)) == 10

    both(stores, work)


def test_a_new_executor_takes_over_all_that_an_old_one_has(stores: Stores) -> None:
    """As a process does that starts while the one before has not ended yet."""

    async def work(first: Stage, second: Stage) -> None:
        async with first.executor() as older:
            sagas = [await started(older, first.dag("a", "b"), f"s{n}") for n in range(3)]
            await asyncio.gather(*(first.begun["b"].wait() for _ in sagas))
            while len(first.ran) < 6:
                await asyncio.sleep(0.001)
            async with second.executor() as newer:
                resumed = await newer.resume_all()
                assert [saga.saga_id for saga in resumed.sagas] == ["s0", "s1", "s2"]
                assert [(await saga.wait()).ending for saga in resumed.sagas] == [Ending.SUCCEEDED] * 3
            for saga in sagas:
                saga.cancel("b")
                with pytest.raises(SagaStopped, match="another executor has taken it"):
                    await saga.wait()

    both(stores, work, b=hang)
