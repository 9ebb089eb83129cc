"""Claims about the command `prove`: its reports, its exit codes, and what it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

import sagacheck._prove
from command_line import MUTEX, Run, refused
from sagacheck._one_structure import OneStructure
from sagacheck._schema import schema


def test_a_proof_on_one_saga_says_what_was_shown(run: Run) -> None:
    """Exit code 0, every property proved, every action possible, and the table of obligations."""
    code, out, err = run("prove", "--dag", "a")
    assert (code, err) == (0, "")
    assert "NoTornState              proved" in out
    assert "24 of 24 actions are possible in a state of the invariant (on a)" not in out  # alone, nothing is undone
    assert "conforming: each of the 16 properties above holds on dag a" in out
    assert "take_undo_failure" in out


def test_a_refuted_argument_shows_a_saga_and_two_states(run: Run) -> None:
    """The state before, the step, and what no longer holds; undetermined, since it need not be reachable."""
    code, out, _ = run("prove", "--dag", "a,b", "--set", "recovery=strict", "--first")
    assert code == 3
    assert "undo_start_lands / LogFits is refuted" in out
    assert "On dag a,b, in this state:" in out
    assert "→ After it LogFits does not hold at " in out
    assert "not proved on dag a,b" in out
    assert "violated" not in out


def test_the_json_of_a_proof_keeps_its_schema(run: Run) -> None:
    """With everything proved, and with something refuted."""
    for more in ((), ("--set", "completion=memory-first")):
        _, out, _ = run("prove", "--dag", "a", "--format", "json", *more)
        said = json.loads(out)
        jsonschema.validate(said, schema("proof"))
        assert len(said["obligations"]) == said["total"]
        refuted = [o for o in said["obligations"] if o["answer"] == "refuted"]
        assert bool(refuted) == bool(more)
        assert {p["verdict"] for p in said["properties"]} == {"undetermined" if more else "holds"}


def test_one_property_alone_can_be_proved(run: Run) -> None:
    """Its own obligation remains, beside those of the invariant."""
    code, out, _ = run("prove", "--dag", "a", "--property", "UndoOrder", "--format", "json")
    assert code == 0
    assert [p["name"] for p in json.loads(out)["properties"]] == ["UndoOrder"]


def test_a_bounded_search_finds_the_shortest_violation(run: Run) -> None:
    """As `check` reports it, with the exit code of a violation."""
    code, out, _ = run("prove", "--bound", "8", "--dag", "a", "--design", "steno-0.4.1", "--property", "NoTornState")
    assert code == 1
    assert "NoTornState is violated after 7 steps" in out


def test_a_bounded_trace_can_be_replayed(run: Run, tmp_path: Path) -> None:
    """It is a trace like any other."""
    trace = tmp_path / "trace.itf.json"
    options = ("--set", "completion=memory-first", "--property", "CompletionDurableFirst")
    code, _, _ = run("prove", "--bound", "6", "--dag", "a", *options, "--format", "itf", "--output", str(trace))
    assert code == 1
    assert run("replay", str(trace), "--expect", "diverged")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--fail", "a"], ["--fail a", "give --dag"]),
        (["--undo-fail", "none"], ["--undo-fail none", "give --dag"]),
        (["--dag", "a", "--format", "itf"], ["--format itf", "--bound"]),
        (["--max-memory", "1G"], ["--max-memory", "--bound"]),
        (["--bound", "3", "--first"], ["--first", "--bound"]),
        (["--property", "Nonsense"], ["--property Nonsense", "NoPanic"]),
        (["--property", "Termination"], ["--property Termination", "eventually", "check"]),
        (["--dag", "no_such_saga"], ["no_such_saga"]),
        (["--max-seconds", "soon"], ["--max-seconds soon"]),
        (["--output", "/nowhere/at/all"], ["/nowhere/at/all"]),
    ],
)
def test_what_makes_no_sense_is_refused(run: Run, arguments: list[str], words: list[str]) -> None:
    """One sentence that names it."""
    refused(run("prove", *arguments), *words)


def test_a_specification_without_an_argument_can_only_be_searched(run: Run) -> None:
    """The lock has no invariant: `prove` says so, and --bound works."""
    refused(run(MUTEX, "prove"), "mutex", "--bound")
    code, out, _ = run(MUTEX, "prove", "--bound", "4", "--design", "look-then-take", "--processes", "2")
    assert code == 1
    assert "MutualExclusion is violated" in out


def test_a_missing_z3_is_one_sentence(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to install."""
    monkeypatch.setitem(sys.modules, "z3", None)
    refused(run("prove"), "z3", "pip install 'sagacheck[prove]'")


def test_an_interrupted_proof_says_how_far_it_came(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C during an obligation: what was decided is reported, and nothing is called proved."""
    plain, count = OneStructure.decide, iter(range(100))

    def decide(self: OneStructure, *arguments: object) -> object:
        if next(count) == 30:
            raise KeyboardInterrupt
        return plain(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(sagacheck._prove.OneStructure, "decide", decide)
    code, out, _ = run("prove", "--dag", "a")
    assert code == 3
    assert "30 of 547 obligations proved" in out
    assert "interrupted" in out


def test_the_prover_is_imported_only_when_it_is_asked_for() -> None:
    """`check` works, and starts as fast, where there is no z3."""
    code = "import sys; import sagacheck._cli; sys.exit('z3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
