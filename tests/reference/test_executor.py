"""Claims about executors and their sagas: running them, finding them again, waiting for them, closing, wrong use."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

import pytest

from sagaref import (
    ActionContext,
    BuildError,
    CachedState,
    Dag,
    DagBuilder,
    Ending,
    Executor,
    MemoryStore,
    NodeState,
    NoSuchSaga,
    Point,
    Retry,
    Saga,
    SagaExists,
    SagaResult,
    SagaStopped,
    TakenSaga,
    TransientStoreError,
    Unrecoverable,
    action,
    constant,
    subsaga,
)
from sagaref._execution import Execution
from staging import Between, Stage, hang, raising, returning, run, started

# Endings ------------------------------------------------------------------------------------------------------------


def test_a_saga_runs_to_its_end() -> None:
    """Each action once, after those that it depends on; the output is that of the last node."""
    stage = Stage()

    async def main() -> SagaResult:
        async with stage.executor() as executor:
            return await executor.run(stage.dag("a", "b c", "d"), saga_id="s")

    result = run(main())
    assert (result.saga_id, result.name, result.ending, result.output) == ("s", "saga", Ending.SUCCEEDED, "output of d")
    assert result.outputs == {n: f"output of {n}" for n in "abcd"}
    assert (result.failure, result.undo_failure, result.injections) == (None, None, ())
    assert stage.ran[0] == "a"
    assert sorted(stage.ran[1:3]) == ["b", "c"]
    assert stage.ran[3:] == ["d"]


def test_a_saga_that_fails_is_undone_in_reverse() -> None:
    """The failed action has no effect to undo, and what never ran has none either."""
    stage = Stage(c=raising(ValueError("no")))

    async def main() -> SagaResult:
        async with stage.executor() as executor:
            return await executor.run(stage.dag("a", "b", "c", "d"))

    result = run(main())
    assert (result.ending, result.output, result.outputs, result.undo_failure) == (Ending.UNWOUND, None, {}, None)
    assert stage.ran == ["a", "b", "c", "undo b", "undo a"]


def test_a_saga_whose_undo_fails_is_stuck() -> None:
    """Nothing more is started; what was not undone has its output still."""
    stage = Stage(c=raising(ValueError("no")), undo_b=raising(ValueError("stuck")))

    async def main() -> SagaResult:
        async with stage.executor() as executor:
            return await executor.run(stage.dag("a", "b", "c"))

    result = run(main())
    assert (result.ending, result.output, result.outputs) == (Ending.STUCK, None, {"a": "output of a"})
    assert result.failure is not None
    assert result.undo_failure is not None
    assert (result.failure.label, result.undo_failure.label) == ("c", "b")
    assert stage.ran == ["a", "b", "c", "undo b"]


FAULTS = {
    Ending.SUCCEEDED: {},
    Ending.UNWOUND: {"c": raising(ValueError("no"))},
    Ending.STUCK: {"c": raising(ValueError("no")), "undo a": raising(ValueError("stuck"))},
}


@pytest.mark.parametrize("ending", Ending)
def test_the_result_of_a_saga_that_is_done_is_the_same_when_it_is_resumed(ending: Ending) -> None:
    """By another executor, which runs no action for it, and leaves the log as it is."""
    stage = Stage()
    stage.tricks |= FAULTS[ending]

    async def main() -> None:
        async with stage.executor() as executor:
            first = await executor.run(stage.dag("a b", "c"), saga_id="s")
            log, ran = await executor.log("s"), list(stage.ran)
        async with stage.executor() as executor:
            saga = await executor.resume("s")
            assert await saga.wait() == first
            assert first.ending is saga.status().ending is ending
            assert (await executor.log("s"), stage.ran) == (log, ran)
            assert (await executor.get("s")).state is CachedState.DONE

    run(main())


@pytest.mark.parametrize("ending", Ending)
def test_the_store_keeps_the_direction_of_a_saga(ending: Ending) -> None:
    """Running, then perhaps unwinding, then done; for those who list sagas."""
    stage = Stage()
    stage.tricks |= FAULTS[ending]
    states: list[CachedState] = []

    async def keep(name: str, *args: Any) -> None:
        if name == "update":
            states.append(args[2])

    async def main() -> None:
        store = Between(stage.store, keep)
        async with Executor(store, stage.registry) as executor:  # type: ignore[arg-type]
            saga = await executor.create(stage.dag("a b", "c"), saga_id="s")
            assert (await executor.get("s")).state is CachedState.RUNNING
            await saga.start()
            await saga.wait()

    run(main())
    assert states == [*([] if ending is Ending.SUCCEEDED else [CachedState.UNWINDING]), CachedState.DONE]


def test_sagas_that_run_at_once_do_not_touch_each_other() -> None:
    """One succeeds, one fails, one gets stuck, one hangs."""
    stage = Stage(b=raising(ValueError()), c=raising(ValueError()), undo_d=raising(ValueError()), e=hang)

    async def main() -> None:
        async with stage.executor() as executor:
            dags = {"1": ("a",), "2": ("a", "b"), "3": ("d", "c"), "4": ("e",)}
            sagas = [await started(executor, stage.dag(*groups), name) for name, groups in dags.items()]
            endings = [(await saga.wait()).ending for saga in sagas[:3]]
            assert endings == [Ending.SUCCEEDED, Ending.UNWOUND, Ending.STUCK]
            assert executor.running == (sagas[3],)
            sagas[3].cancel("e")
            assert (await sagas[3].wait()).ending is Ending.UNWOUND
            assert executor.running == ()

    run(main())


# What actions see ---------------------------------------------------------------------------------------------------


def nested(stage: Stage, seen: dict[str, Any]) -> Dag:
    """A saga with a subsaga in a subsaga, whose actions note what they see."""

    def look(name: str, *reads: str) -> Any:
        async def do(context: ActionContext) -> Any:
            seen[name] = (context.params, {read: context.lookup(read) for read in reads})
            return [name]

        async def undo(context: ActionContext) -> None:
            seen[f"undo {name}"] = (context.params, context.lookup("p"), context.output)

        stage.registry.register(name, do, undo, reads=reads)
        return action(name, name)

    inner = DagBuilder("inner saga")
    inner.append(constant("p", "p of inner"))
    inner.append(look("deep", "p"))
    outer = DagBuilder("outer saga")
    outer.append(constant("p", {"of": "outer"}))
    outer.append(look("first", "p"))
    outer.append(subsaga("inner", inner, "p"))
    outer.append(look("last", "p", "inner"))
    builder = DagBuilder("saga")
    builder.append(constant("p", ["p"]))
    builder.append(subsaga("outer", outer, "p"))
    builder.append(look("after", "p", "outer"))
    builder.append(action("bad", "act"))
    return builder.build(stage.registry, {"top": 1})


def test_actions_see_the_parameters_and_outputs_of_their_own_saga_or_subsaga() -> None:
    """A name means what stands beside the node, and the output of a subsaga is that of its last node; also in undo."""
    for crash in (False, True):
        stage, seen = Stage(bad=raising(ValueError())), dict[str, Any]()

        async def main(stage: Stage = stage, seen: dict[str, Any] = seen, crash: bool = crash) -> None:
            dag = nested(stage, seen)
            async with stage.executor() as executor:
                saga = await executor.create(dag, saga_id="s")
                saga.break_at("last", undo=True)
                await saga.start()
                assert await saga.wait_held()
                if not crash:
                    saga.go()
                    await saga.wait()
            async with stage.executor() as executor:
                assert (await (await executor.resume("s")).wait()).ending is Ending.UNWOUND

        run(main())
        outer, inner, top = {"of": "outer"}, "p of inner", ["p"]
        assert seen == {
            "first": (top, {"p": outer}),
            "deep": (outer, {"p": inner}),
            "last": (top, {"p": outer, "inner": ["deep"]}),
            "after": ({"top": 1}, {"p": top, "outer": ["last"]}),
            "undo after": ({"top": 1}, top, ["after"]),
            "undo last": (top, outer, ["last"]),
            "undo deep": (outer, inner, ["deep"]),
            "undo first": (top, outer, ["first"]),
        }


def test_what_an_action_sees_is_its_own_copy() -> None:
    """One that changes what it was given changes nothing for others."""
    seen: list[Any] = []

    async def change(context: ActionContext) -> None:
        for value in (context.params, context.lookup("a")):
            seen.append(list(value))
            value.append("changed")

    stage = Stage(a=returning([1]))
    stage.registry.register("change", change, reads=["a"])

    async def main() -> None:
        async with stage.executor() as executor:
            await executor.run(stage.dag("a", "b:change", "c:change"), [0])

    run(main())
    assert seen == [[0], [1]] * 2


def test_an_action_has_its_saga_its_node_a_key_and_the_resources() -> None:
    """The key is the same in each run, for idempotence, and is nobody else's."""
    seen: list[Any] = []

    async def look(context: ActionContext) -> None:
        seen.append((context.saga_id, context.node, context.label, context.key, context.resources))

    stage = Stage(a=look, b=look)

    async def main() -> None:
        async with stage.executor(resources="the cloud") as executor:
            saga = await executor.create(stage.dag("a", "b"), saga_id="s")
            saga.inject_repeat("a", do=2)
            await saga.start()
            await saga.wait()

    run(main())
    assert seen == [("s", 0, "a", "s/0", "the cloud")] * 2 + [("s", 1, "b", "s/1", "the cloud")]


def test_an_action_that_looks_up_what_it_may_not_fails_and_says_what_to_do() -> None:
    """What it does not declare, what does not stand before it, and an output of its own."""

    async def look(context: ActionContext) -> Any:
        return context.lookup("a")

    async def own(context: ActionContext) -> Any:
        return context.output

    messages = []
    for trick in (look, own):

        async def main(stage: Stage) -> SagaResult:
            async with stage.executor() as executor:
                return await executor.run(stage.dag("a", "b"))

        result = run(main(Stage(b=trick)))
        assert result.failure is not None
        assert result.failure.error == "LookupError"
        messages.append(result.failure.message)
    assert messages == [
        "action act looks up 'a' without declaring it; add it to its `reads`",
        "an action has no output of its own before it has succeeded; only its undo action does",
    ]


# Finding sagas ------------------------------------------------------------------------------------------------------


def test_sagas_are_listed_in_pages() -> None:
    """By ascending id, after the last of the page before; those that are done can be left out."""
    stage = Stage(b=hang)

    async def main() -> None:
        async with stage.executor() as executor:
            for n in range(5):
                await started(executor, stage.dag("a", *("b",) * (n % 2)), f"s{n}")
            await asyncio.sleep(1)
            first = await executor.list(limit=2)
            assert [r.saga_id for r in first] == ["s0", "s1"]
            assert [r.saga_id for r in await executor.list(after="s1")] == ["s2", "s3", "s4"]
            assert [r.saga_id for r in await executor.list(unfinished=True)] == ["s1", "s3"]
            assert await executor.list(after="s4") == ()
            assert await executor.get("s0") == first[0]

    run(main())


def test_a_saga_of_the_store_can_be_prepared_before_it_is_resumed() -> None:
    """`find` starts nothing; faults and breakpoints are there from the first step on."""
    stage = Stage(b=hang)

    async def main() -> None:
        async with stage.executor() as executor:
            saga = await started(executor, stage.dag("a", "b"))
            assert await executor.find("s") is saga
            await stage.begun["b"].wait()
        async with stage.executor() as executor:
            again = await executor.find("s")
            assert again.status().started is False
            assert (await executor.get("s")).generation == 1
            again.inject_error("b")
            await again.start()
            assert await executor.resume("s") is again
            result = await again.wait()
            assert result.failure is not None
            assert result.failure.error == "InjectedError"

    run(main())


def test_the_log_of_a_saga_can_be_read() -> None:
    """In the order in which it was written, with outputs and causes."""
    stage = Stage(a=raising(ValueError("no")))

    async def main() -> list[tuple[str, str]]:
        async with stage.executor() as executor:
            dag = stage.dag("a")
            await executor.run(dag, saga_id="s")
            return [(dag.labels[e.node], e.event.value) for e in await executor.log("s")]

    assert run(main()) == [
        ("start", "started"),
        ("start", "succeeded"),
        ("a", "started"),
        ("a", "failed"),
        ("start", "undo_started"),
        ("start", "undo_finished"),
    ]


def test_what_is_not_there_is_not_found() -> None:
    """By none of the ways to it."""
    stage = Stage()

    async def main() -> None:
        async with stage.executor() as executor:
            for ask in (executor.get, executor.log, executor.find, executor.resume):
                with pytest.raises(NoSuchSaga, match="there is no saga nobody"):
                    await ask("nobody")

    run(main())


# Waiting ------------------------------------------------------------------------------------------------------------


def test_many_can_wait_for_one_saga_and_each_has_a_result_of_its_own() -> None:
    """Whoever changes his changes nobody else's."""
    stage = Stage(a=returning([]))

    async def main() -> None:
        async with stage.executor() as executor:
            saga = await started(executor, stage.dag("a"))
            results = [*await asyncio.gather(*(saga.wait() for _ in range(3))), await saga.wait()]
            assert all(result == results[0] for result in results)
            results[0].output.append("mine")
            results[0].outputs["a"].append("mine")
            assert results[1].output == results[1].outputs["a"] == results[3].output == []

    run(main())


def test_who_stops_waiting_does_not_touch_the_saga() -> None:
    """A wait can be cancelled, or limited in time."""
    stage = Stage(a=hang)

    async def main() -> None:
        async with stage.executor() as executor:
            saga = await started(executor, stage.dag("a"))
            waits = [asyncio.create_task(saga.wait()) for _ in range(2)]
            await asyncio.sleep(1)
            waits[0].cancel()
            with pytest.raises(asyncio.CancelledError):
                await waits[0]
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(saga.wait(), 10)
            runs = asyncio.create_task(executor.run(stage.dag("a"), saga_id="other"))
            await asyncio.sleep(1)
            runs.cancel()
            await asyncio.sleep(1)
            assert [s.saga_id for s in executor.running] == ["other", "s"]
            saga.cancel("a")
            assert (await waits[1]).ending is Ending.UNWOUND

    run(main())


def test_every_waiter_of_a_saga_that_is_stopped_has_an_error_of_his_own() -> None:
    """With the reason, and what can be done."""
    stage = Stage(a=hang)

    async def main() -> None:
        async with stage.executor() as executor:
            saga = await started(executor, stage.dag("a"))
            waits = [asyncio.create_task(saga.wait()) for _ in range(2)]
            await stage.begun["a"].wait()
            await saga.stop()
            await saga.stop("it was stopped again")
            errors = await asyncio.gather(*waits, saga.wait(), return_exceptions=True)
            assert len({id(error) for error in errors}) == 3
            assert {str(error) for error in errors} == {
                "saga s stopped: `stop` was called; what is durable is kept, and `resume` goes on from there"
            }
            assert saga.status().stopped == "`stop` was called"
            assert (await executor.resume("s")) is not saga

    run(main())


# Starting -----------------------------------------------------------------------------------------------------------


def test_whoever_starts_or_resumes_a_saga_at_once_gives_one_run() -> None:
    """The saga is taken once, and there is one object for it."""
    stage = Stage()

    async def slowly(*_: Any) -> None:
        await asyncio.sleep(1)

    async def main() -> None:
        store: Any = Between(stage.store, slowly)
        async with Executor(store, stage.registry) as executor:
            saga = await executor.create(stage.dag("a"), saga_id="s")
            starts = [saga.start() for _ in range(3)]
            found = await asyncio.gather(*(executor.resume("s") for _ in range(3)), *starts)
            assert set(found) == {saga, None}
            await saga.wait()
            await saga.start()
        async with Executor(store, stage.registry) as executor:
            found = await asyncio.gather(*(executor.resume("s") for _ in range(3)), executor.find("s"))
            assert len(set(found)) == 1
            await found[0].wait()
            assert (await executor.get("s")).generation == 2

    run(main())
    assert stage.ran == ["a"]


def test_a_start_that_was_cancelled_or_failed_can_be_repeated() -> None:
    """Nothing of it is left."""
    stage = Stage()

    async def hangs_first(name: str, *_: Any) -> None:
        if name == "take":
            ways.pop(0)
            if ways == ["fail", "run"]:
                await asyncio.Event().wait()
            if ways == ["run"]:
                raise OSError("no")

    ways = ["hang", "fail", "run"]

    async def main() -> None:
        store: Any = Between(stage.store, hangs_first)
        async with Executor(store, stage.registry) as executor:
            saga = await executor.create(stage.dag("a"))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(saga.start(), 1)
            with pytest.raises(Exception, match="the store failed: OSError: no"):
                await saga.start()
            assert executor.running == ()
            assert saga.status().started is False
            await saga.start()
            assert (await saga.wait()).ending is Ending.SUCCEEDED

    run(main())


def test_resume_all_runs_what_is_not_done_and_says_what_it_cannot() -> None:
    """A broken log, an unknown action, a DAG that is none, a store that fails for one saga: the others run."""
    stage = Stage(b=hang)
    stage.registry.register("gone", hang)

    async def fails_for_one(name: str, *args: Any) -> None:
        if name == "take" and args[0] == "s3":
            raise OSError("a bad sector")

    async def main() -> None:
        async with stage.executor() as executor:
            for n in range(7):
                await started(executor, stage.dag("a", "b", *(["c:gone"] if n == 1 else [])), f"s{n}")
            await executor.create(stage.dag("a"), saga_id="s7")
            await executor.run(stage.dag("a"), saga_id="s8")
        sagas = stage.store._sagas
        sagas["s2"].events.pop(next(iter(sagas["s2"].events)))
        object.__setattr__(sagas["s4"].record, "dag", "{}")
        (entry, generation) = sagas["s6"].events.popitem()[1]
        key = next(key for key in sagas["s6"].events if key[1].value == "succeeded")
        object.__setattr__(sagas["s6"].events[key][0], "data", "{broken")
        sagas["s6"].events[entry.node, entry.event] = (entry, generation)
        del stage.registry._actions["gone"]
        del stage.tricks["b"]
        store: Any = Between(stage.store, fails_for_one)
        async with Executor(store, stage.registry) as executor:
            resumed = await executor.resume_all()
            assert [saga.saga_id for saga in resumed.sagas] == ["s0", "s5", "s7"]
            assert {saga_id: str(error) for saga_id, error in resumed.failed.items()} == {
                "s1": "saga s1 cannot be recovered: saga saga: c (node 2): no action 'gone' is registered; "
                "register it before building or resuming the saga",
                "s2": "saga s2 cannot be recovered: its log says succeeded of node 2, which is never started",
                "s3": "the store failed: OSError: a bad sector",
                "s4": "saga s4 cannot be recovered: saga_name is missing; add it, it must be a text",
                "s6": "saga s6 cannot be recovered: its log has an output of start that is not JSON",
            }
            assert [(await saga.wait()).ending for saga in resumed.sagas] == [Ending.SUCCEEDED] * 3
            assert (await executor.get("s1")).generation == 1  # nobody took it from who may be able to run it

    run(main())


def test_a_saga_that_fails_to_be_rebuilt_in_any_way_does_not_stop_the_others() -> None:
    """Also of what no log should be able to cause."""

    class Odd(Execution):
        def __init__(self, taken: TakenSaga, *args: Any) -> None:
            super().__init__(taken, *args)
            if self.saga_id == "s1":
                raise AttributeError("odd")

    class OddExecutor(Executor):
        execution_class = Odd

    stage = Stage()

    async def main() -> None:
        async with OddExecutor(stage.store, stage.registry) as executor:
            for n in range(3):
                await executor.create(stage.dag("a"), saga_id=f"s{n}")
            resumed = await executor.resume_all()
            assert [saga.saga_id for saga in resumed.sagas] == ["s0", "s2"]
            assert str(resumed.failed["s1"]) == "saga s1 cannot be recovered: AttributeError: odd"

    run(main())


def test_resume_all_leaves_what_runs_here_as_it_is() -> None:
    """Those sagas are among the resumed ones."""
    stage = Stage(b=hang)

    async def main() -> None:
        async with stage.executor() as executor:
            saga = await started(executor, stage.dag("b"))
            resumed = await executor.resume_all()
            assert resumed.sagas == (saga,)
            assert (await executor.get("s")).generation == 1

    run(main())


def test_a_store_that_keeps_failing_for_one_saga_does_not_keep_the_others_from_running() -> None:
    """They are resumed at once, and are done while that one is still being tried."""
    stage = Stage()

    async def busy(name: str, *args: Any) -> None:
        if name == "take" and args[0] == "s1" and asyncio.get_running_loop().time() < 1000:
            raise TransientStoreError("busy")

    async def main() -> None:
        for n in range(3):
            dag = stage.dag("a")
            await stage.executor().create(dag, saga_id=f"s{n}")
        store: Any = Between(stage.store, busy)
        async with Executor(store, stage.registry) as executor:
            resuming = asyncio.create_task(executor.resume_all())
            await asyncio.sleep(500)
            assert not resuming.done()
            assert [(await executor.get(f"s{n}")).state for n in (0, 2)] == [CachedState.DONE] * 2
            assert [saga.saga_id for saga in (await resuming).sagas] == ["s0", "s1", "s2"]

    run(main())


# Closing ------------------------------------------------------------------------------------------------------------


def test_sagas_stop_when_their_executor_is_closed_and_another_goes_on() -> None:
    """As in a crash: what runs is cancelled, what is durable stays; nothing is destroyed or overlooked."""
    stage = Stage(b=hang, undo_d=hang, e=raising(ValueError()))

    async def main() -> None:
        async with stage.executor() as executor:
            sagas = [
                await started(executor, stage.dag("a", "b"), "1"),
                await started(executor, stage.dag("d", "e"), "2"),
                await executor.create(stage.dag("a"), saga_id="3"),
                await started(executor, stage.dag("a"), "4"),
            ]
            await asyncio.sleep(1)
            sagas.append(await started(executor, stage.dag("a"), "5"))  # which has not taken a step when it is closed
        assert [saga.status().stopped for saga in sagas] == [
            *["its executor was closed"] * 2,
            *["", ""],
            "its executor was closed",
        ]
        for saga in (*sagas[:2], sagas[4]):
            with pytest.raises(SagaStopped, match="its executor was closed") as caught:
                await saga.wait()
            assert caught.value.__cause__ is None
        await executor.close()
        stage.tricks = {"e": raising(ValueError())}
        async with stage.executor() as executor:
            resumed = await executor.resume_all()
            assert [s.saga_id for s in resumed.sagas] == ["1", "2", "3", "5"]
            assert [(await s.wait()).ending.value for s in resumed.sagas] == [
                "succeeded",
                "unwound",
                "succeeded",
                "succeeded",
            ]

    run(main())
    assert stage.ran.count("b") == stage.ran.count("undo d") == 2  # again, by who resumed it
    assert stage.ran.count("d") == 1


def test_an_executor_that_nobody_closes_leaves_no_complaint() -> None:
    """When the loop ends its tasks are cancelled, as asyncio does."""
    stage = Stage(a=hang)

    async def main() -> Saga:
        saga = await started(stage.executor(), stage.dag("a"))
        await stage.begun["a"].wait()
        return saga

    assert run(main(), leaving=3).status().stopped == "it was cancelled"


def test_a_saga_whose_tasks_are_all_cancelled_is_cancelled_whichever_notices_first() -> None:
    """Its workers do not take that for an attack on them."""
    stage = Stage(a=hang)

    async def main() -> None:
        async with stage.executor() as executor:
            saga = await started(executor, stage.dag("a"))
            await stage.begun["a"].wait()
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            assert len(tasks) == 3
            for task in sorted(tasks, key=lambda task: task is saga._task):
                task.cancel()
            with pytest.raises(SagaStopped) as caught:
                await saga.wait()
            assert caught.value.reason == "it was cancelled"

    run(main())


def test_an_executor_is_closed_by_an_action_of_its_own() -> None:
    """Which is cancelled thereby; nobody waits for himself."""

    async def close(_: ActionContext) -> None:
        await executors[0].close()

    executors: list[Executor] = []
    stage = Stage(a=close)

    async def main() -> None:
        async with stage.executor() as executor:
            executors.append(executor)
            with pytest.raises(SagaStopped):
                await executor.run(stage.dag("a"))

    run(main())


def test_a_start_during_which_the_executor_is_closed_starts_nothing() -> None:
    """Neither one that waits for the store, nor one for which the store is tried again and again."""
    for transient in (False, True):
        stage = Stage()

        async def slowly(name: str, *_: Any, transient: bool = transient) -> None:
            if name == "take":
                await asyncio.sleep(10)
                if transient:
                    raise TransientStoreError("busy")

        async def main(stage: Stage = stage, slowly: Any = slowly) -> None:
            store: Any = Between(stage.store, slowly)
            async with Executor(store, stage.registry) as executor:
                saga = await executor.create(stage.dag("a"))
                starting = asyncio.create_task(saga.start())
                await asyncio.sleep(1)
            with pytest.raises(RuntimeError, match="this executor is closed"):
                await starting
            assert not saga.ended
            assert stage.ran == []

        run(main())


def test_ended_sagas_are_forgotten() -> None:
    """Neither they nor what they worked with stay in memory, however they ended, nor those that were never started."""
    stage = Stage(b=raising(ValueError()), c=hang)

    async def main() -> None:
        async with stage.executor() as executor:

            async def some() -> list[weakref.ref[Any]]:
                sagas = [await started(executor, stage.dag(n), n) for n in "abc"]
                await sagas[0].wait()
                await sagas[1].wait()
                await sagas[2].stop()
                with pytest.raises(SagaStopped):
                    await sagas[2].wait()
                sagas.append(await executor.create(stage.dag("a"), saga_id="d"))
                things = [*sagas, *(saga._execution for saga in sagas[:3])]
                return [weakref.ref(thing) for thing in things]

            refs = await some()
            gc.collect()
            assert [ref() for ref in refs] == [None] * 7
            assert executor.running == ()

    run(main())


def test_a_saga_that_nobody_holds_runs_to_its_end() -> None:
    """The executor holds what runs."""
    stage = Stage(a=lambda _: asyncio.sleep(100))

    async def main() -> None:
        async with stage.executor() as executor:
            await started(executor, stage.dag("a"))
            gc.collect()
            await asyncio.sleep(200)
            assert (await executor.get("s")).state is CachedState.DONE

    run(main())


# Hooks --------------------------------------------------------------------------------------------------------------


def test_a_hook_that_fails_stops_its_saga_only() -> None:
    """It says of what, and the saga can be resumed."""

    async def hook(point: Point) -> None:
        if point.saga_id == "s" and point.step == "succeed" and point.label == "a":
            raise ZeroDivisionError("in a hook")

    stage = Stage()

    async def main() -> None:
        async with stage.executor(hook=hook) as executor:
            saga = await started(executor, stage.dag("a"))
            other = await started(executor, stage.dag("a"), "other")
            with pytest.raises(SagaStopped, match="ZeroDivisionError: in a hook") as caught:
                await saga.wait()
            assert isinstance(caught.value.__cause__, ZeroDivisionError)
            assert (await other.wait()).ending is Ending.SUCCEEDED
            assert saga.status()["a"].state is NodeState.TASK_IN_PROGRESS
        async with stage.executor() as executor:
            assert (await (await executor.resume("s")).wait()).ending is Ending.SUCCEEDED

    run(main())


def test_a_hook_that_fails_while_a_saga_is_resumed_does_not_stop_the_others() -> None:
    """Its saga is reported with the reason, and with the error as the cause; it can be resumed later."""
    odd = ValueError("in a hook")

    async def hook(point: Point) -> None:
        if point.saga_id == "s1" and odds:
            raise odds.pop()

    stage, odds = Stage(), [odd]

    async def main() -> None:
        async with stage.executor(hook=hook) as executor:
            for n in range(3):
                await executor.create(stage.dag("a"), saga_id=f"s{n}")
            resumed = await executor.resume_all()
            assert [saga.saga_id for saga in resumed.sagas] == ["s0", "s2"]
            assert list(resumed.failed) == ["s1"]
            assert isinstance(resumed.failed["s1"], Unrecoverable)
            assert str(resumed.failed["s1"]) == "saga s1 cannot be recovered: ValueError: in a hook"
            assert resumed.failed["s1"].__cause__ is odd
            assert (await (await executor.resume("s1")).wait()).ending is Ending.SUCCEEDED

    run(main())


def test_resume_all_of_an_executor_that_is_closed_meanwhile_says_so() -> None:
    """That is no saga's fault."""
    stage = Stage()

    async def slowly(name: str, *_: Any) -> None:
        if name == "take":
            await asyncio.sleep(10)

    async def main() -> None:
        await stage.executor().create(stage.dag("a"), saga_id="s")
        store: Any = Between(stage.store, slowly)
        async with Executor(store, stage.registry) as executor:
            resuming = asyncio.create_task(executor.resume_all())
            await asyncio.sleep(1)
        with pytest.raises(RuntimeError, match="this executor is closed"):
            await resuming

    run(main())


# Wrong use ----------------------------------------------------------------------------------------------------------


def test_what_cannot_be_created_is_refused_in_a_sentence() -> None:
    """And nothing is in the store."""
    stage, other = Stage(), Stage()
    other.registry.register("other", hang)

    async def main() -> None:
        async with stage.executor() as executor:
            dag: Any = stage.dag("a")
            for arguments, sentence in (
                (
                    {"params": {1: 2}},
                    "saga saga: its parameters: a value of type dict is not JSON: it would read back as",
                ),
                ({"params": float("nan")}, "saga saga: its parameters: a value of type float is not JSON: "),
                ({"saga_id": ""}, "the id of a saga must be one or more printable characters, not ''"),
                ({"saga_id": "a\nb"}, "the id of a saga must be one or more printable characters, not 'a\\\\nb'"),
                ({"saga_id": 7}, "the id of a saga must be one or more printable characters, not 7"),
                ({"dag": other.dag("a:other")}, "saga saga: a .node 0.: no action 'other' is registered; "),
                ({"dag": DagBuilder("x")}, "a saga is created from a Dag, not from a DagBuilder; `DagBuilder.build` "),
                ({"dag": Dag("s", None, None, 0, 0)}, "saga s: its nodes must be a tuple of `Node`s"),  # type: ignore[arg-type]
                ({"dag": Dag("s", (), (), 5, 6), "params": 7}, "saga s: its start must be the one node of that kind; "),
                ({"dag": "{}"}, "a saga is created from a Dag, not from a str; `DagBuilder.build` makes one"),
            ):
                with pytest.raises(BuildError, match=f"^{sentence}"):
                    await executor.create(**{"dag": dag, **arguments})
            assert await executor.list() == ()

    run(main())


def test_a_call_that_makes_no_sense_is_refused_before_the_store_is_asked() -> None:
    """In one sentence."""

    async def never(*_: Any) -> None:
        raise AssertionError

    async def main() -> None:
        store: Any = Between(MemoryStore(), never)
        async with Executor(store, Stage().registry) as executor:
            for wrong in (5, None, [], b"s", 10**5000):
                odd: Any = wrong
                for ask in (executor.get, executor.log, executor.find, executor.resume):
                    with pytest.raises(TypeError, match=r"^the id of a saga must be a text, not a value of type "):
                        await ask(odd)
            for arguments, error, sentence in (
                ({"limit": "x"}, TypeError, "`limit` must be a whole number, not a value of type str"),
                ({"limit": 1.0}, TypeError, "`limit` must be a whole number, not a value of type float"),
                ({"limit": True}, TypeError, "`limit` must be a whole number, not a value of type bool"),
                ({"limit": None}, TypeError, "`limit` must be a whole number, not a value of type NoneType"),
                ({"limit": 0}, ValueError, "`limit` is below 1; a page has 1 saga or more"),
                ({"limit": -(10**5000)}, ValueError, "`limit` is below 1; a page has 1 saga or more"),
                ({"after": 5}, TypeError, "`after` must be a text, not a value of type int"),
            ):
                page: Any = arguments
                with pytest.raises(error, match=f"^{sentence}$"):
                    await executor.list(**page)

    run(main())


def test_two_sagas_have_two_ids() -> None:
    """A second one is refused: here while the first is held, and by the store when it has ever run."""
    stage = Stage()

    async def main() -> None:
        async with stage.executor() as executor:
            ids = {(await executor.create(stage.dag("a"))).saga_id for _ in range(3)}
            assert len(ids) == 3
            saga = await executor.create(stage.dag("a"), saga_id="s")
            with pytest.raises(SagaExists, match="there is a saga s already; choose another id"):
                await executor.create(stage.dag("a"), saga_id="s")
            both = await asyncio.gather(
                *(executor.create(stage.dag("a"), saga_id="t") for _ in range(2)), return_exceptions=True
            )
            assert [type(one) for one in both] == [Saga, SagaExists]
            await saga.start()
            await saga.wait()
        async with stage.executor() as executor:
            for dag in (stage.dag("a"), stage.dag("b")):
                with pytest.raises(SagaExists):
                    await executor.create(dag, saga_id="s")
            with pytest.raises(SagaExists):
                await executor.create(stage.dag("b"), saga_id="t")
            assert (await (await executor.resume("t")).wait()).ending is Ending.SUCCEEDED

    run(main())


def test_a_closed_executor_starts_nothing_and_can_be_read_from() -> None:
    """Sagas are looked at as before."""
    stage = Stage()

    async def main() -> None:
        async with stage.executor() as executor:
            saga = await executor.create(stage.dag("a"), saga_id="s")
        for attempt in (
            saga.start(),
            executor.create(stage.dag("a")),
            executor.run(stage.dag("a")),
            executor.resume("s"),
            executor.resume_all(),
        ):
            with pytest.raises(RuntimeError, match=r"^this executor is closed; make another one on the same store$"):
                await attempt
        busy = [1]

        async def moody(*_: Any) -> None:
            if busy:
                busy.clear()
                raise TransientStoreError("busy")

        executor._store = Between(stage.store, moody)  # type: ignore[assignment]
        assert len(await executor.list()) == 1
        assert (await executor.get("s")).generation == 0
        assert saga.status().started is False

    run(main())


def test_a_saga_that_was_never_started_is_not_waited_for() -> None:
    """That would be for ever."""
    stage = Stage()

    async def main() -> None:
        async with stage.executor() as executor:
            saga = await executor.create(stage.dag("a"), saga_id="s")
            await saga.stop()
            for wait in (saga.wait, saga.wait_held):
                with pytest.raises(RuntimeError, match="saga s was never started, so nothing is to be waited for"):
                    await wait()

    run(main())


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"first": -1}, "pauses must be 0 seconds or more"),
        ({"most": float("nan")}, "pauses must be 0 seconds or more"),
        ({"factor": 0.5}, "must not become shorter"),
        ({"attempts": 0}, "there must be 1 attempt or more"),
    ],
    ids=str,
)
def test_a_retry_that_makes_no_sense_is_refused(wrong: dict[str, Any], sentence: str) -> None:
    """When it is made, not when the store fails."""
    with pytest.raises(ValueError, match=sentence):
        Retry(**wrong)


def test_the_executor_belongs_to_no_loop_before_it_is_used() -> None:
    """So it can be made where no loop runs."""
    stage = Stage(MemoryStore())
    executor = stage.executor()
    dag = stage.dag("a")

    async def main() -> SagaResult:
        async with executor:
            return await executor.run(dag)

    assert run(main()).ending is Ending.SUCCEEDED


def test_an_unrecoverable_saga_says_which_and_why() -> None:
    """For a person, who has to look at it."""
    stage = Stage()

    async def main() -> None:
        await stage.store.create("s", "x", "[]")
        async with stage.executor() as executor:
            for ask in (executor.find, executor.resume):
                with pytest.raises(Unrecoverable) as caught:
                    await ask("s")
                assert (caught.value.saga_id, caught.value.reason) == ("s", "the file must be an object, not []")

    run(main())
