"""Claims about injected faults: each happens where it was injected, nowhere else, and says whether it was reached."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable

import pytest

from sagaref import BuildError, DagBuilder, Ending, Injection, Saga, SagaResult, action, constant, subsaga
from staging import Stage, hang, raising, run

GROUPS = ("a", "b c:bare", "d")


def result_of(stage: Stage, inject: Callable[[Saga], None]) -> SagaResult:
    """The result of a saga into which faults were injected before it started."""

    async def main() -> SagaResult:
        async with stage.executor() as executor:
            saga = await executor.create(stage.dag(*GROUPS), saga_id="s")
            inject(saga)
            assert not any(i.reached for i in saga.status().injections)
            await saga.start()
            result = await saga.wait()
            assert saga.status().injections == result.injections
            return result

    return run(main())


@pytest.mark.parametrize("node", ["a", "b", "c", "d"])
def test_an_injected_error_takes_the_place_of_the_action(node: str) -> None:
    """The action does not run, and its node fails of the injection."""
    stage = Stage()
    result = result_of(stage, lambda saga: saga.inject_error(node))
    assert result.ending is Ending.UNWOUND
    assert result.failure is not None
    assert (result.failure.label, result.failure.error) == (node, "InjectedError")
    assert result.injections == (Injection("error", node, reached=True),)
    assert node not in stage.ran
    undone = [what.removeprefix("undo ") for what in stage.ran if what.startswith("undo ")]
    assert sorted(undone) == sorted(what for what in stage.ran if what in "abd")


@pytest.mark.parametrize("node", ["a", "b"])
def test_an_injected_undo_error_takes_the_place_of_the_undo_action(node: str) -> None:
    """The undo action does not run, and the saga is stuck of the injection."""

    def inject(saga: Saga) -> None:
        saga.inject_error("d")
        saga.inject_undo_error(node)

    stage = Stage()
    result = result_of(stage, inject)
    assert result.ending is Ending.STUCK
    assert result.undo_failure is not None
    assert (result.undo_failure.label, result.undo_failure.error) == (node, "InjectedError")
    assert result.injections == (Injection("error", "d", reached=True), Injection("undo error", node, reached=True))
    assert f"undo {node}" not in stage.ran


def test_an_action_is_repeated_and_the_output_of_its_last_run_counts() -> None:
    """So often as was asked for, the undo action as well."""
    stage = Stage(d=raising(ValueError()))
    result = result_of(stage, lambda saga: saga.inject_repeat("b", do=3, undo=2))
    assert stage.ran.count("b") == 3
    assert stage.ran.count("undo b") == 2
    assert stage.ran.count("a") == stage.ran.count("undo a") == 1
    assert result.injections == (
        Injection("repeat", "b", reached=True, count=3),
        Injection("undo repeat", "b", reached=True, count=2),
    )


def test_a_repetition_ends_with_the_first_run_that_fails() -> None:
    """And was not reached if that was the first run of all."""
    runs = []

    async def fails_at_the_second(_: object) -> None:
        runs.append(1)
        if len(runs) == 2:
            raise ValueError

    stage = Stage(b=fails_at_the_second, a=raising(ValueError()))
    result = result_of(stage, lambda saga: saga.inject_repeat("a", do=2))
    assert result.injections == (Injection("repeat", "a", reached=False, count=2),)
    del stage.tricks["a"]
    stage.store = Stage().store
    result = result_of(stage, lambda saga: saga.inject_repeat("b", do=3))
    assert (result.ending, len(runs)) == (Ending.UNWOUND, 2)
    assert result.injections == (Injection("repeat", "b", reached=True, count=3),)


def test_what_the_saga_did_not_come_to_was_not_reached() -> None:
    """A test that relies on a fault looks at this."""

    def inject(saga: Saga) -> None:
        saga.inject_error("a")
        saga.inject_error("d")
        saga.inject_undo_error("b")
        saga.inject_repeat("b", do=2, undo=2)

    result = result_of(Stage(), inject)
    assert result.injections == (
        Injection("error", "a", reached=True),
        Injection("error", "d"),
        Injection("undo error", "b"),
        Injection("repeat", "b", count=2),
        Injection("undo repeat", "b", count=2),
    )


def test_the_undo_of_a_saga_that_succeeds_is_not_reached() -> None:
    """Only the repetition of the action is."""
    result = result_of(Stage(), lambda saga: saga.inject_repeat("b", do=2, undo=2))
    assert [(i.kind, i.reached) for i in result.injections] == [("repeat", True), ("undo repeat", False)]


def test_a_repetition_is_withdrawn_by_once() -> None:
    """Once is no fault, and neither is repeating an undo action that there is none of."""

    def inject(saga: Saga) -> None:
        saga.inject_repeat("b", do=2, undo=3)
        saga.inject_repeat("b", do=1, undo=2)
        saga.inject_repeat("b", undo=1)
        saga.inject_repeat("c", do=2, undo=2)

    stage = Stage()
    assert result_of(stage, inject).injections == (Injection("repeat", "c", reached=True, count=2),)
    assert stage.ran.count("b") == 1


def test_faults_can_be_injected_while_the_saga_runs() -> None:
    """They hold for what has not begun."""
    stage = Stage(a=hang)

    async def main() -> SagaResult:
        async with stage.executor() as executor:
            saga = await executor.create(stage.dag(*GROUPS))
            await saga.start()
            await stage.begun["a"].wait()
            saga.inject_error("a")
            saga.cancel("a")
            result = await saga.wait()
            assert result.failure is not None
            assert result.failure.error == "Cancelled"
            return result

    assert run(main()).injections == (Injection("error", "a"),)


def test_faults_are_those_of_one_saga_and_one_process() -> None:
    """Another saga of the same DAG has none, and neither has the saga when another executor resumes it."""
    stage = Stage()

    async def main() -> None:
        async with stage.executor() as executor:
            saga = await executor.create(stage.dag(*GROUPS), saga_id="s")
            saga.inject_error("a")
            assert (await executor.run(stage.dag(*GROUPS))).ending is Ending.SUCCEEDED
        async with stage.executor() as executor:
            assert (await (await executor.resume("s")).wait()).ending is Ending.SUCCEEDED

    run(main())


PREPARATIONS: dict[str, Callable[[Saga], object]] = {
    "inject_error": lambda saga: saga.inject_error("a"),
    "inject_undo_error": lambda saga: saga.inject_undo_error("a"),
    "inject_repeat": lambda saga: saga.inject_repeat("a", do=2),
    "break_at": lambda saga: saga.break_at("a"),
    "pause": lambda saga: saga.pause(),
}


@pytest.mark.parametrize("what", PREPARATIONS)
@pytest.mark.parametrize("found", [False, True])
def test_what_is_prepared_is_not_lost_with_the_object_that_nobody_holds(what: str, found: bool) -> None:
    """The executor keeps a saga with faults or breakpoints until it has ended, or the executor is closed."""
    stage = Stage()

    async def main() -> None:
        async with stage.executor() as executor:
            for saga_id in ("q", "never"):
                saga = await executor.create(stage.dag("a"), saga_id=saga_id)
                if found:
                    del saga
                    gc.collect()
                    saga = await executor.find(saga_id)
                PREPARATIONS[what](saga)
                if saga_id == "never":
                    never = weakref.ref(saga)
                del saga
                gc.collect()
            saga = await executor.resume("q")
            if what in ("break_at", "pause"):
                assert await saga.wait_held()
                saga.go()
            result = await saga.wait()
            assert bool(result.injections) is what.startswith("inject")
            assert result.ending is (Ending.UNWOUND if what == "inject_error" else Ending.SUCCEEDED)
            PREPARATIONS[what](saga)
            ended = weakref.ref(saga)
            del saga, result
            gc.collect()
            assert ended() is None
            assert never() is not None
        gc.collect()
        assert never() is None

    run(main())


@pytest.mark.parametrize("kind", ["inject_error", "inject_undo_error", "inject_repeat"])
@pytest.mark.parametrize(
    ("node", "sentence"),
    [
        ("nobody", "saga saga has no node 'nobody'"),
        (99, "saga saga has no node 99; its nodes are 0 to 7"),
        (-1, "saga saga has no node -1; its nodes are 0 to 7"),
        ("twin", "saga saga has several nodes called 'twin': twin#0, twin#3"),
        ("start", "start is no action, so nothing can be injected into it"),
        ("end", "end is no action, so nothing can be injected into it"),
        ("k", "k is no action, so nothing can be injected into it"),
        ("(inner)", "(inner) is no action, so nothing can be injected into it"),
        ("sub", "sub is no action, so nothing can be injected into it"),
    ],
)
def test_a_fault_that_can_not_be_is_refused(kind: str, node: str | int, sentence: str) -> None:
    """In one sentence; nothing is injected then."""
    stage = Stage()
    inner, builder = DagBuilder("inner"), DagBuilder("saga")
    inner.append(action("twin", "act"))
    builder.append(action("twin", "act"))
    builder.append(constant("k", 1))
    builder.append(subsaga("sub", inner, "k"))
    builder.append(action("last", "act"))
    dag = builder.build(stage.registry)
    assert len(dag.nodes) == 8

    async def main() -> None:
        async with stage.executor() as executor:
            saga = await executor.create(dag)
            with pytest.raises(BuildError) as caught:
                getattr(saga, kind)(node)
            assert str(caught.value) == sentence
            assert saga.status().injections == ()

    run(main())


def test_an_error_of_an_undo_action_that_is_not_there_is_refused() -> None:
    """It could never be reached."""

    async def main() -> None:
        async with Stage().executor() as executor:
            saga = await executor.create(Stage().dag(*GROUPS))
            with pytest.raises(BuildError, match=r"^c has no undo action, so no error can be injected into that$"):
                saga.inject_undo_error("c")
            assert saga.status().injections == ()

    run(main())


@pytest.mark.parametrize("count", [0, -1, 1.5, "2"])
def test_a_count_that_is_none_is_refused(count: int) -> None:
    """When it is injected, not when the node runs."""

    async def main() -> None:
        async with Stage().executor() as executor:
            saga = await executor.create(Stage().dag(*GROUPS))
            for counts in ({"do": count}, {"undo": count}):
                with pytest.raises(BuildError, match=r"^a cannot run .* times; repeat it once or more$"):
                    saga.inject_repeat("a", **counts)
            assert saga.status().injections == ()

    run(main())
