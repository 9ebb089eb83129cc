"""What holds of LangGraph's checkpointing, and what does not: each claim a schedule, forced several times.

The versions are those of requirements.txt; without LangGraph, or with other versions, these tests are skipped.
"""

from __future__ import annotations

import functools
import importlib.metadata
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("langgraph.checkpoint.sqlite", reason="langgraph is not installed: see requirements.txt")

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.errors import EmptyInputError
from langgraph.func import entrypoint
from lg_child import CONFIG
from lg_drive import Drive, stale
from lg_world import Ledger, durable_outputs

_PINNED = dict(line.split("==") for line in Path(__file__).with_name("requirements.txt").read_text().split())
_OTHER = [f"{p} {importlib.metadata.version(p)}" for p, v in _PINNED.items() if importlib.metadata.version(p) != v]
pytestmark = pytest.mark.skipif(bool(_OTHER), reason=f"other versions than requirements.txt has: {', '.join(_OTHER)}")

TIMES = 3  # that every schedule is forced; each time the adapter has to reply the same
Look = Callable[[Drive], None]
MODES = pytest.mark.parametrize("mode", ["sync", "async"])
A_DONE = "take_effect(a); succeed(a)"
B_DONE = "take_effect(b); succeed(b)"


Drives = Callable[[str], Drive]


@pytest.fixture(scope="module")
def drives(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drives]:
    """Adapters by their options, each started once: most of the time goes into importing LangGraph."""
    with ExitStack() as stack:

        @functools.cache
        def drive(options: str) -> Drive:
            return stack.enter_context(Drive(tmp_path_factory.mktemp("sagas"), *options.split()))

        yield drive


def again(drive: Drive, dag: str, look: Look) -> None:
    """Do the same several times, in a new saga each time, and compare the replies."""
    seen: list[Any] = []
    for _ in range(TIMES):
        drive.load(dag)
        look(drive)
        seen.append(drive.replies)
    assert all(replies == seen[0] for replies in seen)


def finish(drive: Drive) -> None:
    """Go on to the end; nothing may run twice, or before what it depends on is durable."""
    while step := drive.forward():
        drive.take(step)
        assert "TWICE" not in drive.state["runs"].values()
    assert drive.state["pc"] == "REST"


# Functional API: in durability "sync" as well -------------------------------------------------------------------------


@MODES
@pytest.mark.parametrize("durability", ["sync", "async"])
def test_functional_a_task_runs_on_a_result_that_is_not_durable(drives: Drives, mode: str, durability: str) -> None:
    """The future of a task is done before its put_writes is."""

    def look(drive: Drive) -> None:
        seen = drive.take(A_DONE)
        assert seen["log"]["a"] == "STARTED"
        assert seen["work"] == {"start": None, "a": "WRITE_OK", "b": "RUN", "end": None}

    again(drives(f"--api functional --mode {mode} --durability {durability}"), "chain:2", look)


@MODES
@pytest.mark.parametrize("durability", ["sync", "async"])
def test_functional_a_result_is_kept_whose_input_no_longer_exists(drives: Drives, mode: str, durability: str) -> None:
    """The put_writes of b lands before that of a; after a crash a runs again, with another output, and b does not."""

    def look(drive: Drive) -> None:
        drive.take(f"{A_DONE}; {B_DONE}; success_lands(b); crash")
        assert drive.state["log"] == {"start": None, "a": "STARTED", "b": "SUCCEEDED", "end": None}
        drive.take("recover; succeed(a); success_lands(a)")
        assert drive.state["pc"] == "REST"
        outputs = durable_outputs(drive.database)
        assert (outputs["a"]["run"], outputs["b"]["inputs"]) == ("a#2", {"a": "a#1"})
        assert stale(drive.database) == [("b", "a")]

    again(drives(f"--api functional --mode {mode} --durability {durability}"), "chain:2", look)


@MODES
def test_functional_what_is_durable_runs_again(drives: Drives, mode: str) -> None:
    """Nothing waits for the put of the input: put_writes can land before the checkpoint to which it belongs exists."""

    def look(drive: Drive) -> None:
        drive.take(f"{A_DONE}; success_lands(a); crash")
        assert drive.state["log"]["a"] == "SUCCEEDED"
        drive.take("recover")
        assert drive.state["runs"]["a"] == "TWICE"

    again(drives(f"--api functional --mode {mode} --durability sync --order put-late"), "chain:2", look)


@MODES
@pytest.mark.parametrize(("api", "durability"), [("functional", "sync"), ("functional", "async"), ("graph", "async")])
def test_what_is_durable_cannot_be_resumed(drives: Drives, mode: str, api: str, durability: str) -> None:
    """The file can have writes and no checkpoint, since nothing waits for that of the input."""

    def look(drive: Drive) -> None:
        drive.take(f"{A_DONE}; success_lands(a); crash")
        with closing(sqlite3.connect(drive.database, check_same_thread=False)) as connection:
            rows = connection.execute(
                "SELECT count(*) FROM writes WHERE channel IN ('outputs', '__return__')"
            ).fetchone()
            assert rows == (2 if api == "graph" else 1,)  # one is of __start__
            assert connection.execute("SELECT count(*) FROM checkpoints").fetchone() == (0,)
            saga = entrypoint(checkpointer=SqliteSaver(connection))(lambda _: None)
            with pytest.raises(EmptyInputError):
                saga.invoke(None, CONFIG)

    again(drives(f"--api {api} --mode {mode} --durability {durability} --order put-late"), "chain:2", look)


@MODES
def test_functional_status_does_not_show_what_is_durable_before_the_end(drives: Drives, mode: str) -> None:
    """`get_state` of an entrypoint shows its result alone, not its tasks."""

    def look(drive: Drive) -> None:
        drive.take(f"{A_DONE}; success_lands(a); ask_status")
        assert drive.state["log"]["a"] == "SUCCEEDED"
        assert set(drive.state["log_copy"].values()) == {None}

    again(drives(f"--api functional --mode {mode} --durability sync"), "chain:2", look)


# Graph API, durability "async" ----------------------------------------------------------------------------------------


@MODES
def test_graph_async_a_node_runs_on_a_result_that_is_not_durable(drives: Drives, mode: str) -> None:
    """Nothing waits for put_writes, nor for put."""

    def look(drive: Drive) -> None:
        seen = drive.take(A_DONE)
        assert seen["log"]["a"] == "STARTED"
        assert seen["work"] == {"start": None, "a": "WRITE_OK", "b": "RUN", "end": None}

    again(drives(f"--api graph --mode {mode} --durability async"), "chain:2", look)


@MODES
def test_graph_async_what_is_durable_runs_again(drives: Drives, mode: str) -> None:
    """The put_writes of b belongs to a checkpoint that never became durable; the next run makes another one."""

    def look(drive: Drive) -> None:
        drive.take(f"{A_DONE}; {B_DONE}; success_lands(b); crash")
        assert drive.state["log"] == {"start": None, "a": "STARTED", "b": "SUCCEEDED", "end": None}
        drive.take("recover; succeed(a)")
        assert drive.state["runs"]["b"] == "TWICE"
        finish_twice(drive)
        starts = [
            (x["run"], x["inputs"]) for x in Ledger(drive.files / "ledger.jsonl").lines() if x["event"] == "start"
        ]
        assert starts == [("a#1", {}), ("b#1", {"a": "a#1"}), ("a#2", {}), ("b#2", {"a": "a#2"})]
        assert stale(drive.database) == []

    again(drives(f"--api graph --mode {mode} --durability async"), "chain:2", look)


def finish_twice(drive: Drive) -> None:
    """Go on to the end, whatever runs twice."""
    while step := drive.forward():
        drive.take(step)
    assert drive.state["pc"] == "REST"


# Graph API, durability "sync": langgraph issue #8039 ------------------------------------------------------------------


@MODES
@pytest.mark.parametrize(
    ("order", "landed", "runs"),
    [("writes-first", "", 2), ("writes-first", "success_lands(a)", 1), ("put-first", "success_lands(a)", 1)],
)
def test_graph_sync_the_order_of_put_writes_and_put_is_open(
    drives: Drives, mode: str, order: str, landed: str, runs: int
) -> None:
    """Both are under way when a has succeeded; either may land first. A crash before both repeats a."""

    def look(drive: Drive) -> None:
        drive.take(f"{A_DONE}; {landed}; crash")
        with closing(sqlite3.connect(drive.database)) as connection:
            rows = connection.execute("SELECT count(*) FROM writes WHERE channel = 'outputs'").fetchone()[0]
        assert drive.state["log"]["a"] == ("SUCCEEDED" if landed else "STARTED")
        assert rows == 1 + (order == "writes-first" and bool(landed))  # one is of __start__
        finish(drive)
        assert Ledger(drive.files / "ledger.jsonl").starts("a") == runs

    again(drives(f"--api graph --mode {mode} --durability sync --order {order}"), "chain:2", look)


@MODES
@pytest.mark.parametrize("order", ["writes-first", "put-first", "put-late"])
@pytest.mark.parametrize("dag", ["chain:2", "diamond"])
def test_graph_sync_recovers_from_a_crash_anywhere(drives: Drives, mode: str, order: str, dag: str) -> None:
    """Whatever lands first: nothing runs on what is not durable, nothing durable is repeated, no output is stale."""
    drive = drives(f"--api graph --mode {mode} --durability sync --order {order}")
    steps: list[str] = []
    drive.load(dag)
    while step := drive.forward():
        drive.take(step)
        steps.append(step)
    for crash in range(len(steps) + 1):
        drive.load(dag)
        drive.take("; ".join([*steps[:crash], "crash", "recover"]))
        finish(drive)
        assert stale(drive.database) == []


@MODES
@pytest.mark.parametrize("dag", ["chain:2", "fork-join:2"])
def test_graph_sync_the_stream_tells_of_a_completion_that_is_not_durable(drives: Drives, mode: str, dag: str) -> None:
    """With `custom` or `messages` a node is streamed as soon as it has succeeded; a crash takes it back."""

    def look(drive: Drive) -> None:
        seen = drive.take(A_DONE)
        assert (seen["log"]["a"], seen["log_copy"]["a"]) == ("STARTED", "SUCCEEDED")
        drive.take("crash; recover")
        assert drive.offers >= {"succeed(a)"}

    again(drives(f"--api graph --mode {mode} --durability sync --memory stream"), dag, look)


# Status, and durability "exit" ----------------------------------------------------------------------------------------


@MODES
@pytest.mark.parametrize("api", ["graph", "functional"])
def test_status_through_the_same_checkpointer_waits_for_a_commit(drives: Drives, mode: str, api: str) -> None:
    """The lock of the checkpointer is held from INSERT to COMMIT, and get_state wants it."""

    def look(drive: Drive) -> None:
        drive.take(A_DONE)
        assert drive.state["lock"] == "WORKER"
        assert drive.ask("ask_status") == "pending"
        assert "log_copy" not in drive.state
        assert "log_copy" in drive.take("success_lands(a)")

    again(drives(f"--api {api} --mode {mode} --durability sync --hold commit --status same"), "chain:2", look)


@MODES
@pytest.mark.parametrize("api", ["graph", "functional"])
def test_status_through_another_connection_does_not_wait(drives: Drives, mode: str, api: str) -> None:
    """A reader of SQLite's write-ahead log sees what is committed, and so nothing that is not durable."""

    def look(drive: Drive) -> None:
        assert drive.take(f"{A_DONE}; ask_status")["log_copy"]["a"] is None

    again(drives(f"--api {api} --mode {mode} --durability sync --hold commit"), "chain:2", look)


@MODES
@pytest.mark.parametrize("api", ["graph", "functional"])
def test_durability_exit_repeats_everything(drives: Drives, mode: str, api: str) -> None:
    """Nothing is written before the end, as is documented."""

    def look(drive: Drive) -> None:
        drive.take(f"{A_DONE}; take_effect(b); crash")
        assert drive.state["log"] == {"start": None, "a": "STARTED", "b": "STARTED", "end": None}
        assert drive.take("recover")["work"]["a"] == "RUN"

    again(drives(f"--api {api} --mode {mode} --durability exit"), "chain:2", look)
