"""Claims about `python -m sagaref demo`: what each command does, and that bad input is one sentence and exit code 2."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from sagaref import DagBuilder, Event, LogEntry, SqliteStore, StoreError, action, read_dag
from sagaref.__main__ import main
from sagaref._demo_log import SavedSaga, bring_into, read_saved
from sagaref._demo_saga import demo_actions, demo_dag

SAGA = Path(__file__).resolve().parents[1] / "data" / "sagas" / "demo_provision.json"
DAG = demo_dag(demo_actions())
ACTIONS = [DAG.labels[n] for n in DAG.topological if DAG.nodes[n].action]
UNDONE = [name for name in ACTIONS if demo_actions().get(DAG.nodes[DAG.select(name)].action).undo]
COMMAND = [sys.executable, "-m", "sagaref", "demo"]

Demo = Callable[..., tuple[int, str, str]]


@pytest.fixture
def demo(capsys: pytest.CaptureFixture[str]) -> Demo:
    """The demo, run in this process: exit code, standard output, standard error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        code = main(["demo", *map(str, arguments)])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def done(result: tuple[int, str, str]) -> str:
    """What a command printed that succeeded."""
    code, out, err = result
    assert (code, err) == (0, "")
    return out


def refused(result: tuple[int, str, str], words: str) -> None:
    """Exit code 2, nothing on standard output, and one sentence with these words."""
    code, out, err = result
    assert (code, out) == (2, "")
    assert err.startswith("sagaref: ")
    assert err.count("\n") == 1
    assert words in err


def logged(text: str) -> list[str]:
    """The events in what `run` or `print-log` printed."""
    return re.findall(r"^ +\d+  (.*)$", text, re.MULTILINE)


# The DAG ------------------------------------------------------------------------------------------------------------


def test_the_saga_of_the_demo_is_the_packaged_one() -> None:
    """The builder makes the nodes and edges of demo_provision.json, in the same order."""
    assert read_dag(SAGA.read_text(encoding="utf-8")) == DAG


def test_info_shows_every_node_with_what_it_depends_on(demo: Demo) -> None:
    """A line for each node; what runs side by side is bracketed, and so is the subsaga."""
    head, *lines = done(demo("info")).splitlines()
    assert head.startswith("saga DemoVmProvision: 14 nodes, ")
    assert len([line for line in lines if "in parallel" not in line]) == len(DAG.nodes) == 14
    text = "\n".join(lines)
    assert re.search(r"^│     ├─ server_reserve: ServerReserve  +undo  after server_id$", text, re.MULTILINE)
    assert re.search(r"InstanceConfigure +-     after instance_ip, volume_id, server_alloc$", text, re.MULTILINE)


def test_dot_has_every_node_and_every_edge(demo: Demo) -> None:
    """Graphviz would draw the DAG."""
    text = done(demo("dot"))
    assert re.findall(r"n(\d+) -> n(\d+);", text) == [(str(p), str(c)) for p, c in DAG.edges]
    assert len(re.findall(r"^    n\d+ \[label=\"[^\"]+\", shape=\w+\];$", text, re.MULTILINE)) == len(DAG.nodes)


# Running ------------------------------------------------------------------------------------------------------------


def test_a_run_prints_how_it_stands_half_way_how_it_ends_and_its_log(demo: Demo) -> None:
    """The status tree twice, the result, what stands, and the log of a start and a completion for each node."""
    out = done(demo("run"))
    half_way, at_rest = out.split("at rest:")
    assert half_way.startswith("half-way:\nsaga demo-1 (DemoVmProvision): running\n")
    assert re.search(r"instance_configure: InstanceConfigure +running  held\n", half_way)
    assert "saga demo-1 (DemoVmProvision): succeeded\n" in at_rest
    assert "result: succeeded\noutput: fake-o-instance runs on server-7 at 172.30.0.5\n" in at_rest
    assert len(logged(at_rest)) == 2 * len(DAG.nodes)


def test_what_the_demo_prints_is_the_same_every_time(demo: Demo) -> None:
    """Nothing in it depends on the machine or the moment."""
    assert len({done(demo("run", "--inject-error", "volume_id")) for _ in range(5)}) == 1


@pytest.mark.parametrize("node", ACTIONS)
def test_an_injected_error_unwinds_the_saga_and_nothing_stands(demo: Demo, node: str) -> None:
    """Whichever action it is; the result names it."""
    out = done(demo("run", "--inject-error", node))
    assert "\nresult: unwound\n" in out
    assert f"\nfailed: {node}: InjectedError: " in out
    assert f"\ninjected: error into {node}, reached\n" in out
    assert "\nwhat stands: nothing\n" in out


@pytest.mark.parametrize("node", UNDONE)
def test_an_injected_undo_error_gets_the_saga_stuck(demo: Demo, node: str) -> None:
    """Its effect stands, and the result names both failures."""
    out = done(demo("run", "--inject-error=print", f"--inject-undo-error={node}"))
    assert "(DemoVmProvision): stuck\n" in out
    assert "\nresult: stuck\nfailed: print: InjectedError: " in out
    assert f"\nundo failed: {node}: InjectedError: " in out
    assert node in re.findall(r"^what stands: (.*)$", out, re.MULTILINE)[0].split(", ")


@pytest.mark.parametrize("node", UNDONE)
def test_an_action_that_runs_twice_leaves_one_effect(demo: Demo, node: str) -> None:
    """And its undo action, which runs twice as well, leaves none."""
    forth = done(demo("run", f"--inject-repeat={node}"))
    assert f"\ninjected: repeat into {node}, reached\n" in forth
    assert f"{node} (asked for 2 times)" in forth
    assert "\nwhat stands: nothing\n" in done(demo("run", f"--inject-repeat={node}", "--inject-error=print"))


def test_an_injection_that_was_not_reached_is_said_to_be(demo: Demo) -> None:
    """A saga that fails early never comes to a later fault."""
    out = done(demo("run", "--inject-error=instance_id", "--inject-error=print", "--inject-undo-error=volume_id"))
    assert "injected: error into print, not reached\n" in out
    assert "injected: undo error into volume_id, not reached\n" in out


def test_quiet_says_nothing(demo: Demo) -> None:
    """Not even a newline."""
    assert done(demo("run", "--quiet", "--inject-error=print")) == ""


def test_a_saga_stays_in_the_file_that_was_given(demo: Demo, tmp_path: Path) -> None:
    """A second one needs another id."""
    file = tmp_path / "sagas.db"
    done(demo("run", "--db", file))
    refused(demo("run", "--db", file), "there is a saga demo-1 already")
    assert "saga demo-2 (" in done(demo("run", "--db", file, "--saga-id", "demo-2"))
    assert done(demo("resume", file)) == "resumed: nothing\n\n"


# Logs ---------------------------------------------------------------------------------------------------------------


def dumped(demo: Demo, path: Path, *arguments: str) -> list[str]:
    """The lines of the log of a run."""
    done(demo("run", "--quiet", "--dump-to", path, *arguments))
    return path.read_text(encoding="utf-8").splitlines(keepends=True)


def test_a_dumped_log_is_printed_as_the_run_printed_it(demo: Demo, tmp_path: Path) -> None:
    """From the file, the same events."""
    file = tmp_path / "log.jsonl"
    out = done(demo("run", "--dump-to", file, "--inject-error=instance_boot"))
    assert out.endswith(f"\nthe log is in {file}\n")
    printed = done(demo("print-log", file))
    assert printed.startswith(f"saga demo-1 (DemoVmProvision): {len(logged(out))} events\n")
    assert logged(printed) == logged(out)


def test_a_saga_is_recovered_from_any_part_of_its_log(demo: Demo, tmp_path: Path) -> None:
    """Wherever the tail is cut off; what is left of the log is the beginning of the new one."""
    whole = dumped(demo, tmp_path / "whole.jsonl")
    part = tmp_path / "part.jsonl"
    for size in (1, 2, *range(7, len(whole), 5), len(whole)):
        part.write_text("".join(whole[:size]), encoding="utf-8")
        out = done(demo("run", "--recover-from", part))
        assert out.startswith(f"recovered from {size - 1} events:\n")
        assert "\nresult: succeeded\n" in out
        assert f"what stands: {', '.join(UNDONE)}" == _sorted_standing(out)
        assert logged(out)[: size - 1] == logged(done(demo("print-log", part)))


def _sorted_standing(out: str) -> str:
    (standing,) = re.findall(r"^what stands: (.*)$", out, re.MULTILINE)
    return f"what stands: {', '.join(sorted(standing.split(', '), key=UNDONE.index))}"


@pytest.mark.parametrize("undo_error", [(), ("--inject-undo-error=volume_id",)], ids=["unwound", "stuck"])
def test_an_unwinding_saga_is_recovered_from_any_part_of_its_log(
    demo: Demo, tmp_path: Path, undo_error: tuple[str, ...]
) -> None:
    """It goes on unwinding; faults are not kept, so only a log that has the undo failure is one of a stuck saga."""
    whole = dumped(demo, tmp_path / "whole.jsonl", "--inject-error=instance_boot", *undo_error)
    part = tmp_path / "part.jsonl"
    failed = next(n for n, line in enumerate(whole) if '"event": "failed"' in line)
    for size in (failed + 1, *range(failed + 4, len(whole), 5), len(whole)):
        part.write_text("".join(whole[:size]), encoding="utf-8")
        out = done(demo("run", "--recover-from", part))
        stuck = any('"event": "undo_failed"' in line for line in whole[:size])
        assert f"\nresult: {'stuck' if stuck else 'unwound'}\n" in out
        assert ("\nwhat stands: nothing\n" in out) == (not stuck)


def test_a_log_may_be_one_json_document(demo: Demo, tmp_path: Path) -> None:
    """With the events as a list, in which somebody deleted the last ones."""
    head, *events = map(json.loads, dumped(demo, tmp_path / "log.jsonl"))
    file = tmp_path / "log.json"
    file.write_text(json.dumps({**head, "events": events[:9]}, indent=2), encoding="utf-8")
    assert done(demo("run", "--recover-from", file)).startswith("recovered from 9 events:\n")


def test_faults_can_be_injected_into_a_recovered_saga(demo: Demo, tmp_path: Path) -> None:
    """They are there before it goes on."""
    part = tmp_path / "part.jsonl"
    part.write_text("".join(dumped(demo, tmp_path / "log.jsonl")[:15]), encoding="utf-8")
    out = done(demo("run", "--recover-from", part, "--inject-error=server_reserve"))
    assert "injected: error into server_reserve, reached\n" in out
    assert "\nwhat stands: nothing\n" in out


def test_a_log_with_control_characters_is_not_obeyed_by_the_terminal(demo: Demo, tmp_path: Path) -> None:
    """Neither in a cause nor in an output."""
    log = tmp_path / "log"
    done(demo("run", "--inject-error", ACTIONS[0], "--dump-to", log, "--quiet"))
    log.write_text(log.read_text().replace("an error was injected", "\\u001b[2Jan error"))
    assert "\\x1b[2Jan error into this action" in printed(demo("run", "--recover-from", log))
    done(demo("run", "--dump-to", log, "--quiet"))
    log.write_text(log.read_text().replace("fake-o-instance", "\\u001b[2Jfake"))
    assert "output: \\x1b[2Jfake" in printed(demo("run", "--recover-from", log))
    printed(demo("print-log", log))


def printed(result: tuple[int, str, str]) -> str:
    """What a command printed that succeeded, which is printable."""
    out = done(result)
    assert out.replace("\n", "").isprintable()
    return out


def test_a_log_goes_through_a_pipe() -> None:
    """Standard output and standard input, and nothing but plain text."""
    dump = subprocess.run([*COMMAND, "run", "--quiet", "--dump-to=-"], capture_output=True, check=True).stdout
    part = b"".join(dump.splitlines(keepends=True)[:12])
    run = subprocess.run([*COMMAND, "run", "--recover-from=-"], input=part, capture_output=True, check=True)
    assert run.stdout.startswith(b"recovered from 11 events:\n")
    assert (b"\x1b" in run.stdout, run.stderr) == (False, b"")


# Bad input ----------------------------------------------------------------------------------------------------------

HEAD = json.dumps({"saga_id": "s", "dag": json.loads(SAGA.read_text(encoding="utf-8"))})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it is empty"),
        ("\n\n", "it is empty"),
        ("hello", "line 1 is not JSON"),
        ('{"saga_id": "s"}', 'the file must be an object with a text "saga_id" and an object "dag"'),
        ('{"saga_id": "", "dag": {}}', '"saga_id" must be one or more printable characters'),
        ('{"saga_id": "s", "dag": {}}', '"dag": saga_name is missing'),
        ('{"saga_id": "s", "dag": {"a": NaN}}', "NaN is no value of JSON"),
        (HEAD + "\n" + "[" * 100_000, "deep"),
        (HEAD[:-1] + ', "events": 7}', '"events" must be a list'),
        (HEAD[:-1] + ', "events": [7]}', "event 1 must be an object"),
        (HEAD + '\n{"node": 0, "ev', "line 2 is not JSON"),
        (HEAD + '\n{"node": 14, "event": "started"}', '"node" must be a number from 0 to 13'),
        (HEAD + '\n{"node": true, "event": "started"}', '"node" must be a number from 0 to 13'),
        (HEAD + '\n{"node": 0, "event": "begun"}', '"event" must be one of started, succeeded'),
        (HEAD + '\n{"node": 0, "event": []}', '"event" must be one of started, succeeded'),
        (HEAD + '\n{"node": 0, "label": "print", "event": "started"}', "node 0 is instance_id"),
        ("\udcff", "no text in UTF-8"),
    ],
)
def test_a_file_that_is_no_log_is_refused(demo: Demo, tmp_path: Path, text: str, words: str) -> None:
    """By every command that reads one."""
    file = tmp_path / "log.jsonl"
    file.write_text(text, encoding="utf-8", errors="surrogateescape")
    refused(demo("print-log", file), words)
    refused(demo("run", "--recover-from", file), words)


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([(12, "succeeded")], "its log says succeeded of node 12, which is never started"),
        ([(0, "started")], "its log says that instance_id is started and that start, on which it depends"),
        ([(12, "started"), (12, "succeeded"), (12, "undo_started"), (12, "undo_finished")], "no node has an error"),
    ],
)
def test_an_illegal_log_is_refused(demo: Demo, tmp_path: Path, events: list[tuple[int, str]], words: str) -> None:
    """Recovery says why. `print-log` shows it, since somebody has to look at it."""
    file = tmp_path / "log.jsonl"
    lines = [json.dumps({"node": node, "event": event}) for node, event in events]
    file.write_text("\n".join([HEAD, *lines]), encoding="utf-8")
    code, _out, err = demo("run", "--recover-from", file)
    assert code == 2
    assert err.count("\n") == 1
    assert words in err
    assert len(logged(done(demo("print-log", file)))) == len(events)


def test_a_saga_with_other_actions_is_refused(demo: Demo, tmp_path: Path) -> None:
    """The log may be right, but nothing can run it."""
    file = tmp_path / "log.jsonl"
    file.write_text(HEAD.replace("volume_attach", "volume_mount"), encoding="utf-8")
    refused(demo("run", "--recover-from", file), "no action 'volume_mount' is registered")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["run", "--nonsense"], "No such option"),
        (["run", "more"], "unexpected extra argument"),
        (
            ["run", "--inject-error=nope"],
            "saga DemoVmProvision has no node 'nope'; the actions are inst",
        ),
        (["run", "--inject-undo-error=end"], "end is no action, so nothing can be injected into it; the"),
        (["run", "--inject-repeat="], "saga DemoVmProvision has "),
        (["run", "--inject-undo-error=print"], "print has no undo action, so no error can be injected into that"),
        (["run", "--saga-id="], "--saga-id: give one or more printable characters"),
        (["run", "--seconds=-1"], "--seconds"),
        (["run", "--seconds=nan"], "--seconds"),
        (["run", "--recover-from=missing"], "missing cannot be read: No such file or directory"),
        (["run", "--recover-from=."], ". cannot be read: Is a directory"),
        (["run", "--db=missing/sagas.db"], "missing/sagas.db: unable to open database file"),
        (["run", "--quiet", "--dump-to=missing/log"], "missing/log cannot be written: No such file or directory"),
        (["resume", "missing"], "missing is no file; name the one that was given to run --db"),
        (["resume"], "Missing argument 'FILE'"),
        (["print-log"], "Missing argument 'FILE'"),
    ],
)
def test_a_wrong_command_line_is_refused(
    demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str
) -> None:
    """One sentence that names the option."""
    monkeypatch.chdir(tmp_path)
    refused(demo(*arguments), words)


def test_a_file_that_is_no_database_is_refused(demo: Demo, tmp_path: Path) -> None:
    """And left as it is."""
    file = tmp_path / "sagas.db"
    file.write_text("hello", encoding="utf-8")
    refused(demo("run", "--db", file), "sagas.db: file is not a database")
    refused(demo("resume", file), "sagas.db: file is not a database")
    assert file.read_text(encoding="utf-8") == "hello"


def test_a_file_that_stays_locked_is_one_sentence(demo: Demo, tmp_path: Path) -> None:
    """Nothing is said of each try."""
    file = tmp_path / "sagas.db"
    done(demo("run", "--db", file, "--quiet"))
    command = (
        "import sys, sagaref._sqlite as s; s.BUSY_SECONDS = 0; from sagaref.__main__ import main; sys.exit(main())"
    )
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        run = [sys.executable, "-c", command, "demo", "run", "--db", str(file)]
        ended = subprocess.run(run, capture_output=True, text=True, check=False)
    refused((ended.returncode, ended.stdout, ended.stderr), "the store failed 5 times, at last with: ")


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """And that is wrong usage."""
    assert main([]) == 2
    assert "demo" in capsys.readouterr().out


# The process --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("how", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_an_interrupted_saga_is_resumed_by_the_next_process(
    demo: Demo, tmp_path: Path, how: signal.Signals, code: int
) -> None:
    """Whether it was stopped with Ctrl-C, which is one sentence and exit code 130, or killed."""
    file = tmp_path / "sagas.db"
    process = subprocess.Popen(
        [*COMMAND, "run", "--db", str(file), "--seconds=0.2"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,
    )
    limit = time.monotonic() + 60
    while asyncio.run(_events(file)) < 5:
        assert time.monotonic() < limit
        time.sleep(0.02)
    process.send_signal(how)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert err.count("\n") == (1 if how is signal.SIGINT else 0)
    assert err[:21] in ("sagaref: interrupted;", "")
    out = done(demo("resume", file))
    assert out.startswith("resumed: demo-1\n")
    assert "\nresult: succeeded\n" in out


def test_every_saga_of_a_file_is_resumed_and_each_that_cannot_be_is_named(demo: Demo, tmp_path: Path) -> None:
    """However many there are: what stood of the last one is known, and each of the others has a sentence."""
    file, log = tmp_path / "sagas.db", tmp_path / "log"
    lines = done(demo("run", "--dump-to", "-", "--quiet")).splitlines(keepends=True)
    log.write_text("".join(lines[:15]), encoding="utf-8")

    asyncio.run(_bring(file, replace(read_saved(str(log)), saga_id="last"), broken=102))
    code, out, err = demo("resume", file)
    assert code == 2
    assert out.startswith("resumed: last\n")
    (stands,) = re.findall("^what stands: (.*)$", out, re.MULTILINE)
    assert stands == re.findall("^what stands: (.*)$", done(demo("run")), re.MULTILINE)[0]
    assert [line.split(":")[1] for line in err.splitlines()] == [
        f" saga broken-{n:03} cannot be recovered" for n in range(102)
    ]


def test_what_stands_of_a_resumed_saga_goes_by_its_own_dag(demo: Demo, tmp_path: Path) -> None:
    """It may have come from a file, and be another one than that of the demo."""
    file = tmp_path / "sagas.db"
    builder = DagBuilder("other")
    for n in range(20):
        builder.append(action(f"server{n}", "server_pick"))
    dag = builder.build(demo_actions(), {"number_of_things": 3})
    saved = SavedSaga("other", dag, (LogEntry(dag.start, Event.STARTED), LogEntry(dag.start, Event.SUCCEEDED, "null")))
    asyncio.run(_bring(file, saved))
    assert done(demo("resume", file)).startswith("resumed: other\n")


async def _bring(file: Path, saved: SavedSaga, broken: int = 0) -> None:
    """Put a saga into a file, and so many that cannot be resumed."""
    store = SqliteStore(file)
    for n in range(broken):
        await store.create(f"broken-{n:03}", "broken", "{}")
    await bring_into(store, saved.saga_id, saved)
    await store.close()


async def _events(file: Path) -> int:
    """How many events the file has of the saga."""
    if not file.exists():
        return 0
    store = SqliteStore(file)
    try:
        return len(await store.log("demo-1"))
    except StoreError:  # it is being made
        return 0
    except Exception as error:
        if type(error).__name__ != "NoSuchSaga":
            raise
        return 0
    finally:
        await store.close()


def test_a_reader_that_goes_away_is_no_error() -> None:
    """As in `| head`: exit code 141, and nothing on standard error."""
    reading, writing = os.pipe()
    os.close(reading)
    run = subprocess.run(COMMAND, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (run.returncode, run.stderr) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_is_one_sentence() -> None:
    """Exit code 2."""
    with Path("/dev/full").open("wb") as full:
        run = subprocess.run(COMMAND, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert run.returncode == 2
    assert run.stderr == "sagaref: standard output cannot be written: No space left on device\n"


# The tour -----------------------------------------------------------------------------------------------------------


def test_the_tour_shows_everything_once(demo: Demo) -> None:
    """A run, a recovery, an unwinding, a repeat, a stuck saga; all of them are in one store."""
    out = done(demo())
    assert [line[4:5] for line in out.splitlines() if line.startswith("=== ")] == ["1", "2", "3", "4", "5", "6", "W"]
    assert re.findall(r"^result: (.*)$", out, re.MULTILINE) == [
        "succeeded",
        "succeeded",
        "unwound",
        "succeeded",
        "stuck",
    ]
    assert "\nrecovered from 14 events:\n" in out
    assert len(re.findall(r"^injected: .*, reached$", out, re.MULTILINE)) == 4
    assert len(re.findall(r"^demo-\d  DemoVmProvision  done  generation \d$", out, re.MULTILINE)) == 5
