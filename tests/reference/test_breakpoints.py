"""Claims about holding a saga: pause, single steps and breakpoints, and what happens around a node that is held."""

from __future__ import annotations

import asyncio

import pytest

from sagaref import BuildError, Ending, Event, Load, NodeState, Saga, SagaStopped
from staging import Stage, hang, raising, run, started


def test_a_paused_saga_goes_on_step_by_step() -> None:
    """Every node is held before it starts, in the order in which they come, and again before it is undone."""
    stage = Stage(c=raising(ValueError()))
    steps: list[str | None] = []

    async def main() -> None:
        async with stage.executor() as executor:
            saga = await executor.create(stage.dag("a b", "c"))
            saga.pause()
            await saga.start()
            while await saga.wait_held():
                steps.append(saga.step())
            assert (await saga.wait()).ending is Ending.UNWOUND
            assert saga.step() is None

    run(main())
    assert steps[:4] in (["start", "a", "b", "c"], ["start", "b", "a", "c"])
    assert sorted(map(str, steps[4:6])) == ["a", "b"]
    assert steps[6:] == ["start"]


def test_what_is_held_has_not_begun() -> None:
    """Its start is in memory and not in the log, and no action has run; the status says that it is held."""
    stage = Stage()

    async def main() -> None:
        async with stage.executor() as executor:
            saga = await executor.create(stage.dag("a", "b"), saga_id="s")
            saga.break_at("b")
            await saga.start()
            assert await saga.wait_held()
            status = saga.status()
            assert status.held == ("b",)
            assert (status["b"].state, status["b"].log) == (NodeState.TASK_IN_PROGRESS, Load.STARTED)
            assert not [e for e in await executor.log("s") if e.node == 1]
            assert stage.ran == ["a"]
            assert "held" in status.tree()
            assert not saga.cancel("b")
            saga.go()
            assert (await saga.wait()).ending is Ending.SUCCEEDED
            assert saga.status().held == ()

    run(main())


def test_an_undo_action_is_held_at_its_own_breakpoint() -> None:
    """The action runs through; the two are different places."""
    stage = Stage(b=raising(ValueError()))

    async def main() -> None:
        async with stage.executor() as executor:
            saga = await executor.create(stage.dag("a", "b"), saga_id="s")
            saga.break_at("a", undo=True)
            await saga.start()
            assert await saga.wait_held()
            assert saga.status()["a"].state is NodeState.UNDO_IN_PROGRESS
            assert Event.UNDO_STARTED not in {e.event for e in await executor.log("s")}
            assert stage.ran == ["a", "b"]
            assert saga.step("a") == "a"
            assert not await saga.wait_held()
            assert stage.ran == ["a", "b", "undo a"]

    run(main())


def test_a_breakpoint_that_is_cleared_holds_nobody_else() -> None:
    """Whoever is held there stays held; clearing what is not there is no error."""
    stage = Stage()

    async def main() -> None:
        async with stage.executor() as executor:
            saga = await executor.create(stage.dag("a", "b", "c"))
            for node in "abc":
                saga.break_at(node)
            saga.clear_break("b")
            saga.clear_break("b", undo=True)
            await saga.start()
            assert await saga.wait_held()
            saga.clear_break("a")
            await asyncio.sleep(1)
            assert saga.status().held == ("a",)
            assert saga.step() == "a"
            await asyncio.sleep(1)
            assert saga.status().held == ("c",)
            saga.go()
            await saga.wait()

    run(main())


def test_the_others_go_on_while_one_is_held() -> None:
    """A node that is held holds its dependents only, and no other saga."""
    stage = Stage()

    async def main() -> None:
        async with stage.executor() as executor:
            saga = await executor.create(stage.dag("a b", "c"))
            saga.break_at("b")
            await saga.start()
            await saga.wait_held()
            other = await started(executor, stage.dag("a b", "c"))
            assert (await other.wait()).ending is Ending.SUCCEEDED
            assert saga.status()["a"].state is NodeState.DONE
            assert saga.status()["c"].state is NodeState.BLOCKED
            assert saga.step("a") is None
            assert saga.step("b") == "b"
            await saga.wait()

    run(main())


def test_go_ends_the_pause_and_keeps_the_breakpoints() -> None:
    """The saga is held again at the next one."""
    stage = Stage()

    async def main() -> None:
        async with stage.executor() as executor:
            saga = await executor.create(stage.dag("a", "b", "c"))
            saga.break_at("c")
            saga.pause()
            await saga.start()
            assert await saga.wait_held()
            saga.go()
            assert saga.status().held == ()
            assert await saga.wait_held()
            assert saga.status().held == ("c",)
            saga.go()
            assert not await saga.wait_held()

    run(main())


def test_a_saga_can_be_paused_while_it_runs() -> None:
    """What runs goes on to its end; what comes after it is held."""
    stage = Stage(a=lambda _: asyncio.sleep(5))

    async def main() -> None:
        async with stage.executor() as executor:
            saga = await started(executor, stage.dag("a", "b"))
            await stage.begun["a"].wait()
            saga.pause()
            assert await saga.wait_held()
            assert saga.status().held == ("b",)
            saga.go()
            await saga.wait()

    run(main())


def test_many_can_wait_until_something_is_held() -> None:
    """Who stops waiting disturbs nobody; who waits for a saga that ends is told so."""
    stage = Stage(a=lambda _: asyncio.sleep(5))

    async def main() -> None:
        async with stage.executor() as executor:
            saga = await executor.create(stage.dag("a", "b"))
            saga.break_at("b")
            await saga.start()
            waits = [asyncio.create_task(saga.wait_held()) for _ in range(3)]
            await asyncio.sleep(1)
            waits[0].cancel()
            assert await asyncio.gather(*waits[1:]) == [True, True]
            waits = [asyncio.create_task(saga.wait_held()) for _ in range(2)]
            assert await asyncio.gather(*waits) == [True, True]
            saga.go()
            await asyncio.sleep(0)
            assert not await saga.wait_held()

    run(main())


def test_a_saga_that_gets_stuck_meanwhile_waits_for_what_is_held() -> None:
    """Its worker counts as under way, as after a crash of nothing: let go, it runs, and then the saga rests."""
    stage = Stage(c=raising(ValueError()), undo_a=raising(ValueError("stuck")))

    async def main() -> None:
        async with stage.executor() as executor:
            saga = await executor.create(stage.dag("a b", "c"))
            saga.break_at("b", undo=True)
            await saga.start()
            assert await saga.wait_held()
            await asyncio.sleep(1)
            status = saga.status()
            assert (status.stopping, status.ending, status.held) == (True, None, ("b",))
            assert "unwinding, and getting stuck" in status.tree()
            saga.go()
            assert (await saga.wait()).ending is Ending.STUCK
            assert stage.ran[-1] == "undo b"

    run(main())


@pytest.mark.parametrize("undo", [False, True])
def test_closing_while_a_node_is_held_loses_nothing(undo: bool) -> None:
    """Nothing of it was in the log, so whoever resumes the saga begins with it, and is not held."""
    stage = Stage(b=raising(ValueError()))

    async def main() -> None:
        async with stage.executor() as executor:
            saga = await executor.create(stage.dag("a", "b"), saga_id="s")
            saga.break_at("a", undo=undo)
            await saga.start()
            assert await saga.wait_held()
            waiting = asyncio.create_task(saga.wait_held())
            log = await executor.log("s")
        assert await waiting
        assert saga.status().held == ()
        assert saga.step() is None
        assert not await saga.wait_held()
        with pytest.raises(SagaStopped):
            await saga.wait()
        async with stage.executor() as executor:
            assert await executor.log("s") == log
            assert (await (await executor.resume("s")).wait()).ending is Ending.UNWOUND
        assert stage.ran == ["a", "b", "undo a"]

    run(main())


def test_breakpoints_of_a_saga_that_is_found_hold_it_from_its_first_step_on() -> None:
    """Recovery can be watched too; a node that was running before is held as well."""
    stage = Stage(b=hang)

    async def main() -> None:
        async with stage.executor() as executor:
            await started(executor, stage.dag("a", "b"))
            await stage.begun["b"].wait()
        async with stage.executor() as executor:
            saga = await executor.find("s")
            saga.pause()
            await saga.start()
            assert await saga.wait_held()
            assert saga.status().held == ("b",)
            saga.inject_error("b")
            saga.go()
            assert (await saga.wait()).ending is Ending.UNWOUND

    run(main())
    assert stage.ran == ["a", "b", "undo a"]


def test_unknown_nodes_are_refused() -> None:
    """By everything that takes a node."""

    async def main() -> None:
        stage = Stage()
        async with stage.executor() as executor:
            saga: Saga = await executor.create(stage.dag("a"))
            for ask in (saga.break_at, saga.clear_break, saga.step, saga.cancel):
                with pytest.raises(BuildError, match=r"^saga saga has no node 'nobody'$"):
                    ask("nobody")

    run(main())
