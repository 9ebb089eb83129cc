"""Claims about the status of a saga: what it says and when, that it always answers, and how it is printed."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest

from sagaref import (
    ActionFailed,
    DagBuilder,
    Ending,
    Executor,
    Injection,
    NodeState,
    Phase,
    SagaStatus,
    SagaStopped,
    action,
    constant,
    subsaga,
)
from sagaref._dag import Dag, Kind, Node
from sagaref._execution import Execution
from sagaref._memory import Memory, Undone
from sagaref._status import snapshot
from sagaref._tree import Row, tree
from staging import Between, Stage, hang, raising, run, started

# When ---------------------------------------------------------------------------------------------------------------


def test_it_answers_before_during_and_after_a_run_and_says_which_it_is() -> None:
    """Also what ran, what runs, and what will."""
    stage = Stage(b=hang)

    async def main() -> None:
        async with stage.executor() as executor:
            saga = await executor.create(stage.dag("a", "b", "c"), saga_id="s")
            before = saga.status()
            assert (before.saga_id, before.name, before.started, before.ending) == ("s", "saga", False, None)
            assert {node.state for node in before.nodes} == {NodeState.BLOCKED}
            await saga.start()
            await stage.begun["b"].wait()
            during = saga.status()
            assert (during.started, during.phase, during.ending) == (True, Phase.RUNNING, None)
            states = [during[label].state for label in ("start", "a", "b", "c", "end")]
            assert states == [
                NodeState.DONE,
                NodeState.DONE,
                NodeState.TASK_IN_PROGRESS,
                NodeState.BLOCKED,
                NodeState.BLOCKED,
            ]
            saga.cancel("b")
            await saga.wait()
            after = saga.status()
            assert (after.phase, after.ending, after.stopped) == (Phase.DONE, Ending.UNWOUND, "")
            assert (after["b"].state, after["b"].cause) == (NodeState.UNDONE_FAILED, "Cancelled: the run was cancelled")
            assert after["a"].cause == ""

    run(main())


def test_it_is_a_value_that_does_not_change() -> None:
    """Neither by itself nor by those who have it."""
    stage = Stage(a=hang)

    async def main() -> None:
        async with stage.executor() as executor:
            saga = await started(executor, stage.dag("a"))
            await stage.begun["a"].wait()
            status, printed = saga.status(), saga.status().tree()
            assert status == saga.status()
            assert status is not saga.status()
            saga.inject_undo_error("a")
            saga.cancel("a")
            await saga.wait()
            assert status.tree() == printed
            assert status != saga.status()
            for thing in (status, status["a"]):
                for field in dataclasses.fields(thing):
                    with pytest.raises(dataclasses.FrozenInstanceError):
                        setattr(thing, field.name, None)
            assert isinstance(status.nodes, tuple)
            assert hash(status["a"]) == hash(dataclasses.replace(status["a"]))

    run(main())


@pytest.mark.parametrize("method", ["take", "append", "update"])
def test_a_store_that_hangs_does_not_hold_it_up(method: str) -> None:
    """It waits for no write and no lock; it answers while the write is pending."""
    stage = Stage()

    async def hangs(name: str, *_: Any) -> None:
        if name == method:
            await asyncio.Event().wait()

    async def main() -> SagaStatus:
        store: Any = Between(stage.store, hangs)
        async with Executor(store, stage.registry) as executor:
            saga = await executor.create(stage.dag("a"))
            starting = asyncio.create_task(saga.start())
            await asyncio.sleep(10)
            status = saga.status()
            starting.cancel()
            return status

    status = run(main())
    assert status.started is (method != "take")
    assert status.ending is (Ending.SUCCEEDED if method == "update" else None)


def test_it_can_be_asked_for_at_every_injection_point() -> None:
    """In the middle of whatever happens."""
    stage, asked = Stage(c=raising(ValueError()), undo_a=raising(ValueError())), set[str]()

    async def hook(point: Any) -> None:
        if point.status is not None:
            assert all(node.problem == "" for node in point.status().nodes)
            assert point.status().tree()
            asked.add(point.step)

    async def main() -> None:
        async with stage.executor(hook=hook) as executor:
            await executor.run(stage.dag("a b", "c"))

    run(main())
    assert {"start_lands", "take_failure", "undo_failure_lands", "unwinding_lands", "done_lands"} <= asked


def test_it_says_why_a_saga_stopped() -> None:
    """After a failure of the store, and after a close."""
    stage = Stage(b=hang)

    async def fails(name: str, *args: Any) -> None:
        if name == "append" and args[2].node == 0:
            raise OSError("a bad sector")

    async def main() -> None:
        store: Any = Between(stage.store, fails)
        async with Executor(store, stage.registry) as executor:
            saga = await started(executor, stage.dag("a"))
            with pytest.raises(SagaStopped):
                await saga.wait()
            other = await started(executor, stage.dag("x", "b"), "other")
            assert saga.status().stopped == "the store failed: OSError: a bad sector"
            assert saga.status().ending is None
            assert "s (saga): running; stopped: the store failed: OSError: a bad sector\n" in saga.status().tree()
        assert other.status().stopped != ""

    run(main())


# Whatever memory says -----------------------------------------------------------------------------------------------


def broken(memory: Memory) -> None:
    """Make memory contradict itself about every node."""
    for n in range(len(memory.dag.nodes)):
        memory.queue_todo[n] = None
        memory.nodes_undone[n] = Undone.UNDONE


def test_memory_that_contradicts_itself_is_shown_and_not_raised() -> None:
    """The status names the contradiction, node by node."""
    stage = Stage(a=hang)

    async def main() -> None:
        async with stage.executor() as executor:
            saga = await started(executor, stage.dag("a"))
            await stage.begun["a"].wait()
            assert isinstance(saga._execution, Execution)
            broken(saga._execution.memory)
            saga._execution.memory.node_errors[0] = "no JSON"
            status = saga.status()
            assert {(node.state, node.problem) for node in status.nodes} == {(None, "TWO_STATES")}
            assert status["a"].cause == "unknown: no JSON"
            assert status.tree().count("contradiction: TWO_STATES") == 3

    run(main())


@pytest.mark.parametrize("cause", ["", "[]", "{}", "3", '{"error": 1, "message": [2]}', "[" * 100_000])
def test_a_cause_of_other_making_is_shown_as_it_is(cause: str) -> None:
    """Whatever a log holds, the status can be asked for."""
    memory = Memory(Stage().dag("a"))
    memory.node_errors[0] = cause
    assert snapshot("s", memory).tree()


# The tree -----------------------------------------------------------------------------------------------------------


def test_the_tree_shows_groups_subsagas_states_causes_and_faults() -> None:
    """What runs side by side is together, what is in a subsaga is indented, and states stand in one column."""
    stage = Stage(hotel=hang, bill=raising(ActionFailed("no\nmoney")))
    pay = DagBuilder("pay")
    pay.append_parallel(action("card", "act", "charge the card"), action("points", "bare"))
    pay.append(action("bill", "act"))
    builder = DagBuilder("trip")
    builder.append(constant("plan", {"days": 3}))
    builder.append_parallel(
        action("flight", "act", "book a flight"), action("hotel", "act"), subsaga("paid", pay, "plan")
    )
    builder.append(action("mail", "bare"))

    async def main() -> list[str]:
        async with stage.executor() as executor:
            saga = await executor.create(builder.build(stage.registry), saga_id="42")
            trees = [saga.status().tree()]
            saga.inject_undo_error("flight")
            saga.inject_error("mail")
            saga.break_at("card", undo=True)
            await saga.start()
            await saga.wait_held()
            trees.append(saga.status().tree())
            saga.go()
            saga.cancel("hotel")
            await saga.wait()
            return [*trees, saga.status().tree()]

    before, during, after = run(main())
    assert before.startswith("saga 42 (trip): not started\n├─ start                           blocked\n")
    assert during == (
        "saga 42 (trip): unwinding, and getting stuck\n"
        "├─ start                           done\n"
        "├─ plan: constant                  done\n"
        "├─ in parallel\n"
        "│  ├─ flight: book a flight        undo failed         "
        "InjectedError: an error was injected into this undo action\n"
        "│  ├─ hotel                        running\n"
        "│  └─ (pay): subsaga               done\n"
        "│     ├─ in parallel\n"
        "│     │  ├─ card: charge the card  undoing             held\n"
        "│     │  └─ points                 undone\n"
        "│     ├─ bill                      undone (failed)     ActionFailed: no money\n"
        "│     └─ paid: end of the subsaga  undone (never ran)\n"
        "├─ mail                            undone (never ran)\n"
        "└─ end                             undone (never ran)\n"
        "injected: undo error into flight, reached\n"
        "injected: error into mail, not reached"
    )
    assert after.startswith("saga 42 (trip): stuck\n")
    assert "│  ├─ hotel                        failed              Cancelled: the run was cancelled\n" in after


def test_what_is_not_printable_is_escaped_in_the_tree() -> None:
    """No label, cause, trouble or id moves the cursor of a terminal, or hides what is there; other letters stay."""
    stage = Stage(a=raising(ValueError("\x1b[2J wiped \x07 \u202e é 🦀")))
    builder = DagBuilder("saga")
    builder.append(action("a", "act", "\x1b[31mred \x08"))

    async def main() -> str:
        async with stage.executor() as executor:
            saga = await started(executor, builder.build(stage.registry))
            await saga.wait()
            status = dataclasses.replace(saga.status(), saga_id="s\x1b", stopped="\x9b1m", trouble="\x1b]0;title\x07")
            return status.tree()

    text = run(main())
    assert text.replace("\n", "").isprintable()
    head, *_ = text.splitlines()
    assert head == "saga s\\x1b (saga): unwound; stopped: \\x9b1m; the store is called again: \\x1b]0;title\\x07"
    assert "├─ a: \\x1b[31mred \\x08  undone (failed)     ValueError: \\x1b[2J wiped \\x07 \\u202e é 🦀\n" in text


def test_the_tree_of_the_smallest_saga() -> None:
    """One node between start and end, and nothing after the states."""
    stage = Stage()

    async def main() -> str:
        async with stage.executor() as executor:
            saga = await started(executor, stage.dag("a"))
            await saga.wait()
            return saga.status().tree()

    assert run(main()) == "saga s (saga): succeeded\n├─ start  done\n├─ a      done\n└─ end    done"


def test_the_tree_of_a_dag_that_was_not_built_in_groups_has_every_node_once() -> None:
    """Nodes stand together that are equally far from the start; none of them depends on another."""
    kinds = [Kind.START, *[Kind.ACTION] * 4, Kind.END]
    nodes = tuple(Node(kind, "" if kind is not Kind.ACTION else f"n{n}") for n, kind in enumerate(kinds))
    edges = ((0, 1), (0, 2), (1, 3), (1, 4), (2, 4), (3, 4), (4, 5))
    dag = Dag("crossed", nodes, edges, 0, 5)
    assert tree(dag, {n: Row(label, "s") for n, label in enumerate(dag.labels)}) == [
        "├─ start  s",
        "├─ in parallel",
        "│  ├─ n1  s",
        "│  └─ n2  s",
        "├─ n3     s",
        "├─ n4     s",
        "└─ end    s",
    ]


def test_subsagas_in_subsagas_side_by_side() -> None:
    """Each closes what it opens."""
    stage = Stage()
    inner = DagBuilder("inner")
    inner.append(action("x", "act"))
    middle = DagBuilder("middle")
    middle.append(constant("p", 0))
    middle.append_parallel(subsaga("i1", inner, "p"), subsaga("i2", inner, "p"))
    middle.append(action("y", "act"))
    builder = DagBuilder("outer")
    builder.append(constant("p", 0))
    builder.append(subsaga("m", middle, "p"))
    dag = builder.build(stage.registry)
    lines = tree(dag, {n: Row(dag.nodes[n].name or dag.nodes[n].saga_name or "-", "") for n in range(len(dag.nodes))})
    assert lines == [
        "├─ -",
        "├─ p",
        "├─ middle",
        "│  ├─ p",
        "│  ├─ in parallel",
        "│  │  ├─ inner",
        "│  │  │  ├─ x",
        "│  │  │  └─ i1",
        "│  │  └─ inner",
        "│  │     ├─ x",
        "│  │     └─ i2",
        "│  ├─ y",
        "│  └─ m",
        "└─ -",
    ]


def test_the_tree_of_very_many_subsagas_in_one_another() -> None:
    """It is as deep as they are, and comes to its end."""
    depth = 1200
    starts = [Node(Kind.SUBSAGA_START, saga_name="s") for _ in range(depth)]
    ends = [Node(Kind.SUBSAGA_END, f"e{n}") for n in range(depth)]
    nodes = (Node(Kind.START), *starts, Node(Kind.CONSTANT, "x"), *ends, Node(Kind.END))
    dag = Dag("deep", nodes, tuple((n, n + 1) for n in range(len(nodes) - 1)), 0, len(nodes) - 1)
    lines = snapshot("s", Memory(dag)).tree().splitlines()
    assert len(lines) == 1 + len(nodes)
    assert lines[1 + depth].startswith("│  " * (depth - 1) + "├─ (s)#1200: subsaga ")
    assert lines[2 + depth].startswith("│  " * depth + "├─ x: constant ")
    assert lines[3 + depth].startswith("│  " * depth + "└─ e0: end of the subsaga ")


def test_a_node_is_found_by_its_label() -> None:
    """An unknown label is a KeyError."""
    status = snapshot("s", Memory(Stage().dag("a")), injections=(Injection("error", "a"),))
    assert status["a"].node == 0
    with pytest.raises(KeyError):
        status["b"]
