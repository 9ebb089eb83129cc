"""Claims about how actions end: whatever one does, its node fails with the cause, and nothing else is harmed."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sagaref import (
    Action,
    ActionContext,
    ActionFailed,
    DagBuilder,
    Ending,
    NodeState,
    SagaResult,
    SagaStopped,
    action,
    constant,
)
from staging import Stage, Trick, hang, raising, returning, run, started


class Unprintable(Exception):  # noqa: N818
    """Cannot be shown."""

    def __str__(self) -> str:
        raise SystemExit("no")


async def cancels_itself(_: ActionContext) -> None:
    """Cancels the task that it runs in."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)


async def awaits_what_is_cancelled(_: ActionContext) -> None:
    """Waits for something that somebody cancels."""
    future = asyncio.get_running_loop().create_future()
    future.cancel()
    await future


async def leaves_a_cancellation_behind(_: ActionContext) -> str:
    """Cancels its own task, swallows that, and goes on."""
    with contextlib.suppress(asyncio.CancelledError):
        await cancels_itself(_)
    return "swallowed"


ERRORS: list[tuple[BaseException, str, str]] = [
    (ValueError("no rooms"), "ValueError", "no rooms"),
    (BaseException("rare"), "BaseException", "rare"),
    (SystemExit(3), "SystemExit", "3"),
    (KeyboardInterrupt(), "KeyboardInterrupt", ""),
    (GeneratorExit(), "GeneratorExit", ""),
    (asyncio.CancelledError("mine"), "CancelledError", "the run was cancelled, but not by `Saga.cancel`"),
    (ExceptionGroup("two", [ValueError(), OSError()]), "ExceptionGroup", "two (2 sub-exceptions)"),
    (BaseExceptionGroup("two", [SystemExit()]), "BaseExceptionGroup", "two (1 sub-exception)"),
    (Unprintable(), "Unprintable", "an exception that cannot be shown"),
    (OSError("caf\udce9"), "OSError", "caf\\udce9"),
    (TimeoutError("the peer"), "TimeoutError", "the peer"),
    (StopIteration(), "RuntimeError", "coroutine raised StopIteration"),
    (StopAsyncIteration(), "StopAsyncIteration", ""),
]


def end(trick: Trick, where: str = "b") -> tuple[Stage, SagaResult]:
    """The result of a saga of two actions beside another saga, which is not harmed."""
    stage = Stage(c=raising(ValueError("unwind"))) if where.startswith("undo") else Stage()
    stage.tricks[where] = trick

    async def main() -> SagaResult:
        async with stage.executor() as executor:
            saga = await started(executor, stage.dag("a", "b", "c"))
            other = await started(executor, stage.dag("x", "y"), "other")
            result = await saga.wait()
            assert (await other.wait()).ending is Ending.SUCCEEDED
            assert saga.status().ending is result.ending
        return result

    return stage, run(main())


@pytest.mark.parametrize(("error", "name", "message"), ERRORS, ids=[type(e[0]).__name__ for e in ERRORS])
def test_whatever_an_action_raises_its_node_fails_of_that(error: BaseException, name: str, message: str) -> None:
    """The failure has the exception's name and text; what ran before is undone, and what depends on it never runs."""
    stage, result = end(raising(error))
    assert result.ending is Ending.UNWOUND
    assert result.failure is not None
    assert (result.failure.label, result.failure.error, result.failure.message) == ("b", name, message)
    assert stage.ran.count("undo a") == 1
    assert "c" not in stage.ran


@pytest.mark.parametrize(("error", "name", "message"), ERRORS, ids=[type(e[0]).__name__ for e in ERRORS])
def test_whatever_an_undo_action_raises_the_saga_is_stuck_of_that(
    error: BaseException, name: str, message: str
) -> None:
    """The failure that began the unwinding is kept beside it."""
    stage, result = end(raising(error), "undo b")
    assert result.ending is Ending.STUCK
    assert result.failure is not None
    assert result.failure.label == "c"
    assert result.undo_failure is not None
    undo = result.undo_failure
    assert (undo.label, undo.error, undo.message) == ("b", name, message)
    assert "undo a" not in stage.ran


def test_a_cause_of_the_action_s_own_is_kept_with_its_detail() -> None:
    """`ActionFailed` has a message and a JSON value."""
    _, result = end(raising(ActionFailed("no rooms", {"asked": 3, "free": [1, 2]})))
    assert result.failure is not None
    assert (result.failure.message, result.failure.detail) == ("no rooms", {"asked": 3, "free": [1, 2]})


@pytest.mark.parametrize("detail", [{1: 2}, (1,), float("nan"), object(), "\udc80"], ids=lambda v: type(v).__name__)
def test_a_detail_that_is_not_json_is_left_out(detail: Any) -> None:
    """The failure itself is kept, and says so."""
    _, result = end(raising(ActionFailed("no rooms", detail)))
    assert result.failure is not None
    assert result.failure.message.startswith("no rooms (its detail is left out: a value of type ")
    assert result.failure.detail is None


class SpitefulFailure(ActionFailed):
    """A failure whose detail cannot be looked at."""

    def __getattribute__(self, name: str) -> Any:
        if name == "detail":
            raise BaseException("no")
        return super().__getattribute__(name)


@pytest.mark.parametrize("where", ["b", "undo b"])
def test_an_exception_that_cannot_be_looked_at_is_a_failure_like_any_other(where: str) -> None:
    """The saga ends; what was raised is not known."""
    _, result = end(raising(SpitefulFailure("no")), where)
    failure = result.failure if where == "b" else result.undo_failure
    assert failure is not None
    assert (failure.error, failure.message) == ("unknown", "an exception that cannot be shown")


def nested(depth: int) -> Any:
    """So many lists and objects in one another."""
    value: Any = 7
    for n in range(depth):
        value = {"in": value} if n % 2 else [value]
    return value


@pytest.mark.parametrize("depth", [201, 900, *range(930, 990)])
def test_a_value_that_is_nested_too_deep_is_refused_and_the_saga_ends(depth: int) -> None:
    """However near it comes to what the interpreter can take, as a detail and as an output."""
    _, result = end(raising(ActionFailed("no rooms", nested(depth))))
    assert result.failure is not None
    assert result.failure.message.startswith("no rooms (its detail is left out: a value of type ")
    assert result.failure.detail is None
    _, result = end(returning(nested(depth)))
    assert result.failure is not None
    assert result.failure.error == "NotJson"


def test_a_value_that_is_nested_as_deep_as_is_allowed_goes_wherever_values_go() -> None:
    """As parameters and constant through the store, as output, in a lookup, in the result, and as a detail."""
    deep, stage = nested(200), Stage()

    async def give(context: ActionContext) -> Any:
        assert context.params == context.lookup("k") == deep
        return deep

    stage.registry.register("give", give, reads=["k"])
    builder = DagBuilder("deep")
    builder.append(constant("k", deep))
    builder.append(action("a", "give"))

    async def main() -> SagaResult:
        async with stage.executor() as executor:
            await executor.create(builder.build(stage.registry), deep, saga_id="s")
        async with stage.executor() as executor:
            return await (await executor.resume("s")).wait()

    result = run(main())
    assert result.output == result.outputs["a"] == deep
    _, result = end(raising(ActionFailed("no", deep)))
    assert result.failure is not None
    assert result.failure.detail == deep


RECURSIVE: list[Any] = []
RECURSIVE.append(RECURSIVE)
DEEP: list[Any] = []
for _ in range(100_000):
    DEEP = [DEEP]


class Spiteful(dict):  # type: ignore[type-arg]
    """A dict that cannot be compared."""

    def __eq__(self, other: object) -> bool:
        raise ZeroDivisionError

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("-inf"),
        (1, 2),
        {1: "a"},
        {None: "a"},
        {1, 2},
        b"bytes",
        object(),
        RECURSIVE,
        DEEP,
        "\ud800",
        {"\udfff": 1},
        10**5000,
        [{"deep": (1,)}],
        Spiteful(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_output_that_is_not_json_is_a_failure(value: Any) -> None:
    """What would not be read back from the log as it was is refused before it is there."""
    _, result = end(returning(value))
    assert result.ending is Ending.UNWOUND
    assert result.failure is not None
    assert result.failure.error == "NotJson"
    assert " is not JSON: " in result.failure.message


@pytest.mark.parametrize("value", [None, 10**400, -0.5, "é 🦀 \0", {"a": [True, {"": []}]}, "\\ud800"], ids=repr)
def test_an_output_that_is_json_is_read_back_as_it_was(value: Any) -> None:
    """Also large numbers, and every text that can be encoded."""
    _, result = end(returning(value))
    assert result.outputs["b"] == value
    assert type(result.outputs["b"]) is type(value)


@pytest.mark.parametrize("where", ["b", "undo b"])
def test_a_function_that_returns_nothing_to_await_is_a_failure(where: str) -> None:
    """A registry refuses what is visibly no async function; this one was deceived."""
    stage = Stage(c=raising(ValueError("unwind")))
    plain: Any = len
    act = stage.registry.get("act")
    stage.registry._actions["lax"] = Action("lax", plain if where == "b" else act.do, plain)

    async def main() -> SagaResult:
        async with stage.executor() as executor:
            return await executor.run(stage.dag("a", "b:lax", "c"))

    result = run(main())
    failure = result.failure if where == "b" else result.undo_failure
    assert failure is not None
    assert (failure.label, failure.error) == ("b", "TypeError")


@pytest.mark.parametrize("trick", [cancels_itself, awaits_what_is_cancelled], ids=lambda f: f.__name__)
@pytest.mark.parametrize("where", ["b", "undo b"])
def test_an_action_that_is_cancelled_from_within_fails(trick: Trick, where: str) -> None:
    """It is no stop of the saga, and nobody waits for it for ever."""
    _, result = end(trick, where)
    failure = result.failure if where == "b" else result.undo_failure
    assert failure is not None
    assert failure.error == "CancelledError"


def test_an_action_that_swallows_its_own_cancellation_succeeds() -> None:
    """What it leaves in its task harms nobody: the saga goes on, and its next actions are not cancelled."""
    _, result = end(leaves_a_cancellation_behind)
    assert result.ending is Ending.SUCCEEDED
    assert result.outputs["b"] == "swallowed"


def test_an_action_that_cancels_every_task_stops_its_saga_and_no_dead_loop_is_left() -> None:
    """The worker of a node may be cancelled by nobody else: its saga stops, and says so."""

    async def cancels_its_worker(_: ActionContext) -> None:
        for task in asyncio.all_tasks():
            if "_work" in repr(task.get_coro()):
                task.cancel()
        await asyncio.sleep(0)

    stage = Stage(b=cancels_its_worker)

    async def main() -> None:
        async with stage.executor() as executor:
            saga = await started(executor, stage.dag("a", "b"))
            with pytest.raises(SagaStopped, match="the worker of b was cancelled by somebody else") as caught:
                await saga.wait()
            assert isinstance(caught.value.__cause__, RuntimeError)
            del stage.tricks["b"]
            assert (await (await executor.resume("s")).wait()).ending is Ending.SUCCEEDED

    run(main())


# Cancelling a node --------------------------------------------------------------------------------------------------


def cancelled(trick: Trick, cancel: Callable[[Callable[[], bool]], Awaitable[None]], where: str = "b") -> SagaResult:
    """The result of a saga whose node is cancelled while it runs."""
    stage = Stage(c=raising(ValueError("unwind"))) if where.startswith("undo") else Stage()
    stage.tricks[where] = trick

    async def main() -> SagaResult:
        async with stage.executor() as executor:
            saga = await started(executor, stage.dag("a", "b", "c"))
            await stage.begun[where].wait()
            await cancel(lambda: saga.cancel("b"))
            result = await saga.wait()
            assert not saga.cancel("b")
            return result

    return run(main())


async def once(cancel: Callable[[], bool]) -> None:
    """Cancel it."""
    assert cancel()


async def twice_at_once(cancel: Callable[[], bool]) -> None:
    """Cancel it twice before it notices."""
    assert cancel()
    assert cancel()


async def again_while_it_cleans_up(cancel: Callable[[], bool]) -> None:
    """Cancel it, and again when it has noticed."""
    assert cancel()
    await asyncio.sleep(1)
    assert cancel()


async def hangs_in_a_timeout(_: ActionContext) -> None:
    """Waits with a time limit of its own."""
    async with asyncio.timeout(1000):
        await hang(_)


async def cleans_up_for_long(_: ActionContext) -> None:
    """Needs ten seconds to clean up."""
    try:
        await hang(_)
    finally:
        await asyncio.sleep(10)


async def hangs_in_a_group(_: ActionContext) -> None:
    """Waits in tasks of its own."""
    async with asyncio.TaskGroup() as group:
        for _i in range(2):
            group.create_task(hang(_))


@pytest.mark.parametrize("cancel", [once, twice_at_once], ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    "trick", [hang, hangs_in_a_timeout, hangs_in_a_group, cleans_up_for_long], ids=lambda f: f.__name__
)
@pytest.mark.parametrize("where", ["b", "undo b"])
def test_a_hanging_action_that_is_cancelled_fails(trick: Trick, cancel: Any, where: str) -> None:
    """Whatever it hangs in."""
    result = cancelled(trick, cancel, where)
    failure = result.failure if where == "b" else result.undo_failure
    assert failure is not None
    assert (failure.label, failure.error, failure.message) == ("b", "Cancelled", "the run was cancelled")


def test_a_second_cancellation_ends_what_cleans_up_after_the_first() -> None:
    """It is the way out where cleaning up hangs as well."""

    async def cleans_up_for_ever(_: ActionContext) -> None:
        try:
            await hang(_)
        finally:
            await hang(_)

    result = cancelled(cleans_up_for_ever, again_while_it_cleans_up)
    assert result.failure is not None
    assert result.failure.error == "Cancelled"


def test_an_action_that_fails_while_it_is_cancelled_fails_of_that() -> None:
    """Its own cause says more."""

    async def fails_then(_: ActionContext) -> None:
        try:
            await hang(_)
        except asyncio.CancelledError:
            raise ActionFailed("half of it stands") from None

    result = cancelled(fails_then, once)
    assert result.failure is not None
    assert (result.failure.error, result.failure.message) == ("ActionFailed", "half of it stands")


def test_an_action_that_catches_its_cancellation_and_returns_has_succeeded() -> None:
    """And the saga goes on as if nobody had cancelled anything, also where the next cancellation comes."""

    async def insists(_: ActionContext) -> str:
        try:
            await hang(_)
        except asyncio.CancelledError:
            return "all the same"

    result = cancelled(insists, once)
    assert result.ending is Ending.SUCCEEDED
    assert result.outputs["b"] == "all the same"


def test_a_cancellation_that_was_caught_is_not_blamed_later() -> None:
    """Neither for the undo action of the node, when that is cancelled from within."""

    async def insists(_: ActionContext) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await hang(_)

    stage = Stage(b=insists, c=raising(ValueError()))
    stage.tricks["undo b"] = awaits_what_is_cancelled

    async def main() -> None:
        async with stage.executor() as executor:
            saga = await started(executor, stage.dag("a", "b", "c"))
            await stage.begun["b"].wait()
            assert saga.cancel("b")
            result = await saga.wait()
            assert result.undo_failure is not None
            assert result.undo_failure.error == "CancelledError"

    run(main())


def test_an_action_is_cancelled_before_its_first_step() -> None:
    """It counts as running from when its task is made, and then never begins."""
    stage = Stage()

    async def main() -> None:
        async with stage.executor() as executor:
            saga = await started(executor, stage.dag("a"))
            while not saga.cancel("a"):
                await asyncio.sleep(0)
            result = await saga.wait()
            assert result.failure is not None
            assert result.failure.error == "Cancelled"
            assert stage.ran == []

    run(main())


def test_only_what_runs_can_be_cancelled() -> None:
    """Before, after, and where there is no action, `cancel` says that there was nothing."""
    stage = Stage(b=hang)

    async def main() -> None:
        async with stage.executor() as executor:
            saga = await executor.create(stage.dag("a", "b"), saga_id="s")
            assert not saga.cancel("b")
            await saga.start()
            await stage.begun["b"].wait()
            assert not saga.cancel("a")
            assert not saga.cancel("end")
            assert saga.cancel("b")
            await saga.wait()

    run(main())


# Time limits --------------------------------------------------------------------------------------------------------


def test_an_action_that_takes_longer_than_its_timeout_fails() -> None:
    """The cause says after how long; undo actions have the limit too."""
    for where in ("b", "undo b"):
        stage = Stage(c=raising(ValueError("unwind")))
        stage.tricks[where] = hang

        async def main(stage: Stage = stage) -> tuple[float, SagaResult]:
            async with stage.executor() as executor:
                result = await executor.run(stage.dag("a", "b:brief", "c"))
            return asyncio.get_running_loop().time(), result

        seconds, result = run(main())
        failure = result.undo_failure or result.failure
        assert failure is not None
        assert (failure.label, failure.error) == ("b", "TimeoutError")
        assert failure.message == "the run was cancelled after 5 s"
        assert 5 <= seconds < 6


def test_each_run_of_a_repeated_action_has_the_whole_time() -> None:
    """Three runs of four seconds do not exceed five."""

    async def slow(_: ActionContext) -> None:
        await asyncio.sleep(4)

    stage = Stage(a=slow)

    async def main() -> None:
        async with stage.executor() as executor:
            saga = await executor.create(stage.dag("a:brief"))
            saga.inject_repeat("a", do=3)
            await saga.start()
            assert (await saga.wait()).ending is Ending.SUCCEEDED
            assert stage.ran == ["a"] * 3

    run(main())


def test_a_timeout_of_the_action_s_own_is_its_own() -> None:
    """The limit of the action is not blamed for it."""

    async def gives_up(_: ActionContext) -> None:
        async with asyncio.timeout(1):
            await hang(_)

    _, result = end(gives_up)
    assert result.failure is not None
    assert (result.failure.error, result.failure.message) == ("TimeoutError", "")


def test_a_cancellation_while_the_time_is_up_is_one_failure() -> None:
    """Both at once end the run once."""
    stage = Stage(a=hang)

    async def main() -> None:
        async with stage.executor() as executor:
            saga = await started(executor, stage.dag("a:brief"))
            await stage.begun["a"].wait()
            asyncio.get_running_loop().call_later(5, saga.cancel, "a")
            result = await saga.wait()
            assert result.failure is not None
            assert result.failure.error in ("Cancelled", "TimeoutError")
            assert len([e for e in await executor.log("s") if e.event.value == "failed"]) == 1

    run(main())


# Stopping -----------------------------------------------------------------------------------------------------------


def test_a_cancellation_after_a_close_began_is_no_failure() -> None:
    """The saga is stopped, so nothing is written any more; when it is resumed the action runs again."""
    stage = Stage(b=hang)

    async def main() -> None:
        async with stage.executor() as executor:
            saga = await started(executor, stage.dag("a", "b"))
            await stage.begun["b"].wait()
            closing = asyncio.create_task(executor.close())
            await asyncio.sleep(0)
            assert saga.cancel("b")
            await closing
            with pytest.raises(SagaStopped, match="its executor was closed"):
                await saga.wait()
        assert [e.event.value for e in await stage.store.log("s")][-1] == "started"
        del stage.tricks["b"]
        async with stage.executor() as executor:
            assert (await (await executor.resume("s")).wait()).ending is Ending.SUCCEEDED

    run(main())


def test_a_close_right_after_a_cancellation_loses_no_failure_that_is_durable() -> None:
    """The node failed before the executor was closed, and so the saga unwinds when it is resumed."""
    stage = Stage(b=hang)

    async def main() -> None:
        async with stage.executor() as executor:
            saga = await started(executor, stage.dag("a", "b"))
            await stage.begun["b"].wait()
            assert saga.cancel("b")
        async with stage.executor() as executor:
            failed = [e.event.value for e in await executor.log("s")][-1] == "failed"
            stage.tricks = {}
            result = await (await executor.resume("s")).wait()
            assert result.ending is (Ending.UNWOUND if failed else Ending.SUCCEEDED)

    run(main())


def test_closing_waits_for_an_action_that_catches_its_cancellation() -> None:
    """It may clean up, for as long as it takes; how it ends is lost, as in a crash."""
    cleaned: list[float] = []

    async def cleans_up(_: ActionContext) -> str:
        try:
            await hang(_)
        except asyncio.CancelledError:
            await asyncio.sleep(7)
        cleaned.append(asyncio.get_running_loop().time())
        return "clean"

    stage = Stage(a=cleans_up)

    async def main() -> None:
        async with stage.executor() as executor:
            saga = await started(executor, stage.dag("a"))
            await stage.begun["a"].wait()
        assert cleaned == [7.0]
        assert saga.ended
        assert [e.event.value for e in await stage.store.log("s")][-1] == "started"
        assert saga.status()["a"].state is NodeState.TASK_IN_PROGRESS

    run(main())


def test_a_cause_is_json_in_the_log() -> None:
    """Whoever reads the log finds the error, its message and its detail."""
    stage = Stage(a=raising(ActionFailed("no", [1])))

    async def main() -> str:
        async with stage.executor() as executor:
            await executor.run(stage.dag("a"), saga_id="s")
            return next(e.data for e in await executor.log("s") if e.event.value == "failed")

    assert json.loads(run(main())) == {"error": "ActionFailed", "message": "no", "detail": [1]}
