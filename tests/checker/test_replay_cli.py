"""The command replay: exit codes, what it says to people and to programs, refusals, Ctrl-C, and the real thing."""

from __future__ import annotations

import copy
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import test_force
from jsonschema import Draft202012Validator, ValidationError

import mutex
from command_line import MUTEX, ODD, TESTS, Run, process, refused
from sagacheck import _cli
from sagacheck._ground_expr import GroundTable, Slot, evaluate
from sagacheck._monitor import certain
from sagacheck._schema import schema
from sagacheck._shown import Knowledge

ROUND = ("--set", "ending=round", "--property", "Restarted")
REFERENCE = TESTS / "reference"


@pytest.fixture
def trace(run: Run, tmp_path: Path) -> str:
    """The counterexample to mutual exclusion: look(a), look(b), take(a), take(b)."""
    return written(run, tmp_path, MUTEX, "--design", "look-then-take")


def written(run: Run, folder: Path, *arguments: str) -> str:
    """The file with the counterexample that a check finds."""
    spec, *others = arguments
    file = folder / "trace.itf.json"
    assert run(spec, "check", *others, "--jobs" if spec == ODD else "--processes", "a,b" if spec == ODD else "3",
               "--format", "itf", "--output", str(file))[0] == 1  # fmt: skip
    return str(file)


def impl(name: str) -> str:
    """The option that selects an implementation of the other test file."""
    return f"--impl=test_force:{name}"


def lines(text: str) -> list[str]:
    """The lines of a report, with single blanks."""
    return [" ".join(line.split()) for line in text.splitlines()]


# Exit codes -----------------------------------------------------------------------------------------------------------

ENDINGS = {"Faithful": "followed", "Refuses": "refused", "Diverges": "diverged", "NeverComes": "not reached"}


@pytest.mark.parametrize(
    ("name", "code"),
    [("Faithful", 0), ("Refuses", 1), ("Diverges", 1), ("BeginsElsewhere", 1), ("Atomic", 1), ("NeverComes", 3)],
)
def test_the_exit_code_is_how_it_ended(run: Run, trace: str, name: str, code: int) -> None:
    """0 followed, 1 refused or diverged, 3 a step was not reached; nothing on standard error."""
    found, out, err = run(MUTEX, "replay", trace, impl(name))
    assert (found, err) == (code, "")
    assert out


@pytest.mark.parametrize("expected", ["followed", "refused", "diverged"])
@pytest.mark.parametrize("name", ENDINGS)
def test_with_an_expectation_the_exit_code_is_whether_it_ended_so(
    run: Run, trace: str, name: str, expected: str
) -> None:
    """0 as expected, 1 if it ended otherwise, 3 where a step was not reached; the text says which."""
    code, out, _ = run(MUTEX, "replay", trace, impl(name), "--expect", expected)
    assert code == (3 if name == "NeverComes" else 0 if ENDINGS[name] == expected else 1)
    assert lines(out)[-1] == ("as expected" if code == 0 else f"expected: {expected}")


@pytest.mark.parametrize("name", ["Raises", "Exits", "Silent", "CannotClose", "CannotBegin", "NOTHING_TO_ASK"])
def test_an_implementation_that_fails_is_one_sentence(run: Run, trace: str, name: str) -> None:
    """Exit code 2, with the name of the implementation, and never a traceback."""
    refused(run(MUTEX, "replay", trace, impl(name)), f"sagacheck: --impl test_force:{name}: ")


def test_a_failure_with_many_lines_is_one_sentence_with_what_was_asked(run: Run, trace: str) -> None:
    """The step, and what the implementation raised."""
    refused(
        run(MUTEX, "replay", trace, impl("Raises")),
        "its reply to step look(b) fails with ZeroDivisionError: division by zero in the second step",
    )


# Refusals -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["TRACE", "--impl", "nobody"], "--impl nobody: no such implementation is installed; there are: "),
        (["TRACE", "--impl", ""], "--impl: give a NAME|module:object"),
        (["TRACE", "--impl", ":x"], "--impl :x: give the name of an implementation, or module:object"),
        (["TRACE", "--impl", "test_force:"], "--impl test_force:: give the name of an implementation"),
        (["TRACE", "--impl", "nowhere:x"], "--impl nowhere:x: importing it fails with ModuleNotFoundError"),
        (["TRACE", "--impl", "test_force:NO_CONNECTION"], "which cannot be called to make a connection"),
        (["TRACE", "--impl", "a:b", "--impl", "c:d"], "--impl: give it once"),
        (["TRACE", impl("Faithful"), "--expect", "not reached"], "--expect"),
        (["TRACE", impl("Faithful"), "--format", "itf"], "--format"),
        (["TRACE", impl("Faithful"), "--output", "TRACE"], "this is the file of the trace, which would be lost"),
        (["TRACE", impl("Faithful"), "--output", "/nonexistent/report"], "there is no folder"),
        (["/nonexistent/trace", impl("Faithful")], "/nonexistent/trace: cannot be read"),
        (["/dev/zero", impl("Faithful")], "/dev/zero: this is no regular file"),
        ([impl("Faithful")], "TRACE"),
    ],
)
def test_wrong_input_is_refused_in_one_sentence(run: Run, trace: str, arguments: list[str], words: str) -> None:
    """The sentence names what was wrong, and nothing is replayed."""
    refused(run(MUTEX, "replay", *[trace if a == "TRACE" else a for a in arguments]), words)


def test_a_trace_that_does_not_fit_the_specification_is_refused_as_show_refuses_it(run: Run, trace: str) -> None:
    """The same sentence, before the implementation is asked anything."""
    document = json.loads(Path(trace).read_text())
    document["states"][1]["#meta"]["action"] = "leave"
    Path(trace).write_text(json.dumps(document))
    shown = run(MUTEX, "show", trace)
    refused(shown, "step 1, leave(a), is not possible in the state before it")
    assert run(MUTEX, "replay", trace, impl("CannotBegin")) == shown


def test_without_an_installed_implementation_one_must_be_named(
    run: Run, trace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The default comes from the installation; where there is none, the help works and the sentence says what to do."""
    monkeypatch.setattr(_cli, "default_implementation", lambda: None)
    refused(run(MUTEX, "replay", trace), "no implementation is installed", "--impl module:object")
    assert run(MUTEX, "replay", trace, impl("Faithful"))[0] == 0
    code, out, _ = run(MUTEX, "replay", "--help")
    assert code == 0
    assert "[default: reference]" not in out


def test_the_help_names_the_default(run: Run) -> None:
    """The implementation that is installed with sagacheck."""
    code, out, _ = run("replay", "--help")
    assert code == 0
    assert "[default: reference]" in out


# What it says to people -----------------------------------------------------------------------------------------------


def test_followed_says_that_the_implementation_has_the_violation(run: Run, trace: str) -> None:
    """With what is wrong, in which implementation, and how much was compared."""
    said = lines(run(MUTEX, "replay", trace, impl("Faithful"))[1])
    assert "implementation test_force:Faithful (toy, Python)" in said
    assert "property MutualExclusion" in said
    assert "test_force:Faithful followed the counterexample to its end: 4 steps" in said
    assert "→ a is not alone inside." in said
    assert "compared: 20 values; never shown: none of the variables" in said
    assert said[-1] == "followed: MutualExclusion is violated in test_force:Faithful too"


def test_refused_says_which_step_and_what_was_on_offer(run: Run, trace: str) -> None:
    """In words and by name, with the steps before it; it claims nothing about other ways to the violation."""
    said = lines(run(MUTEX, "replay", trace, impl("Refuses"))[1])
    assert "test_force:Refuses refused step 4 of 4, take(b)" in said
    assert "3 process a takes the lock that it saw free. take(a)" in said
    assert "4 process b takes the lock that it saw free. take(b) refused" in said
    assert "test_force:Refuses offers there: leave(a)" in said
    assert " ".join(said[-2:]) == (
        "test_force:Refuses refused the counterexample of look-then-take to MutualExclusion: step 4, take(b), is not "
        "possible there, so MutualExclusion is not violated in it this way"
    )


def test_diverged_says_what_differs_on_both_sides(run: Run, trace: str) -> None:
    """Only what differs, elements that differ alike together."""
    said = lines(run(MUTEX, "replay", trace, impl("Atomic"))[1])
    assert "test_force:Atomic diverged at step 1 of 4, look(a)" in said
    start = said.index("differs in the trace in test_force:Atomic")
    assert said[start + 2 : start + 5] == ["pc[a] TRYING INSIDE", "locked False True", ""]
    assert " ".join(said[-2:]).startswith(
        "test_force:Atomic diverged from the counterexample of look-then-take to MutualExclusion: step 1, look(a),"
    )


def test_what_differs_alike_at_several_elements_is_told_together(
    run: Run, trace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line for it; a text that reads like a truth value is told apart from it."""

    class Alike(test_force.Faithful):
        def state(self) -> dict[str, Any]:
            return {"pc": dict.fromkeys("abc", "INSIDE"), "locked": "False"}

    monkeypatch.setattr(test_force, "Alike", Alike, raising=False)
    said = lines(run(MUTEX, "replay", trace, impl("Alike"))[1])
    assert "test_force:Alike diverged before the first step: it begins in another state" in said
    assert "pc[a, b, c] IDLE INSIDE" in said
    assert "locked False 'False'" in said


def test_a_step_that_was_not_reached_says_that_nothing_is_known(run: Run, trace: str) -> None:
    """It is neither followed nor refused."""
    said = lines(run(MUTEX, "replay", trace, impl("NeverComes"))[1])
    assert "test_force:NeverComes did not come to step 3 of 4, take(a)" in said
    assert " ".join(said).endswith(
        "not reached: step 3, take(a), was on offer, but test_force:NeverComes never came to it, so nothing is known"
    )


def test_a_step_that_the_implementation_does_not_have_is_told(
    run: Run, trace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That it lacks the step is another reason than that the step was not on offer."""

    class Lacks(test_force.Faithful):
        def hello(self) -> dict[str, Any]:
            return {**super().hello(), "steps": ["look"]}

        def offers(self) -> dict[tuple[str, str | None], int]:
            return {offer: i for offer, i in super().offers().items() if offer[0] == "look"}

    monkeypatch.setattr(test_force, "Lacks", Lacks, raising=False)
    said = " ".join(lines(run(MUTEX, "replay", trace, impl("Lacks"))[1]))
    assert "step 3, take(a), is no step that it has" in said


def test_what_the_violation_rests_on_and_was_not_shown_is_said(run: Run, trace: str) -> None:
    """A variable that the property speaks of, a variable that it does not speak of, no variable at all."""
    said = lines(run(MUTEX, "replay", trace, impl("Hides"))[1])
    assert "compared: 15 values; never shown: locked" in said
    assert said[-1] == "followed: MutualExclusion is violated in test_force:Hides too"
    said = lines(run(MUTEX, "replay", trace, impl("HidesProcesses"))[1])
    assert "compared: 1 value; never shown: pc" in said
    assert " ".join(said[-2:]).endswith("too, provided that it has the trace's pc, which it does not show")
    assert "compared: nothing; it shows no variable" in run(MUTEX, "replay", trace, impl("HidesAll"))[1]


def test_long_traces_are_shown_from_shortly_before_the_end(run: Run, tmp_path: Path) -> None:
    """The step that failed, five before it, and how many there are before these."""
    trace = written(run, tmp_path, ODD, *ROUND)
    document = json.loads(Path(trace).read_text())
    twice = document["states"][5:] * 3  # round and round
    document["states"] += twice
    Path(trace).write_text(json.dumps(document))
    said = lines(run(ODD, "replay", trace, impl("OddRound"))[1])
    start = said.index("# who does step")
    assert said[start + 2] == "(6 steps before)"
    assert [line.split()[0] for line in said[start + 3 : start + 9]] == ["7", "8", "9", "10", "11", "12"]


def test_a_loop_says_what_once_round_means(run: Run, tmp_path: Path) -> None:
    """It was followed once; that it can go on so is a conclusion."""
    trace = written(run, tmp_path, ODD, *ROUND)
    code, out, _ = run(ODD, "replay", trace, impl("OddRound"))
    said = " ".join(lines(out))
    assert code == 0
    assert "4 steps, then 2 steps again and again" in said
    assert "followed once round, to its last state, which is state 4 again as far as it is shown" in said
    assert "That it can go round for ever follows, and was not tried." in said
    assert said.endswith("followed: Restarted is violated in test_force:OddRound too")
    hidden = lines(run(ODD, "replay", trace, impl("OddHides"))[1])
    assert " ".join(hidden[-2:]).endswith(
        "too, provided that it has the trace's phase and count, which it does not show"
    )


@pytest.mark.parametrize("p", ["Restarted", "NoDeadlock"])
def test_standing_still_says_what_was_on_offer_then(run: Run, tmp_path: Path, p: str) -> None:
    """Nobody waited for ever, so what the implementation could do in the end is shown."""
    trace = written(run, tmp_path, ODD, "--property", p)
    code, out, _ = run(ODD, "replay", trace, impl("Odd"))
    assert code == 0
    assert "test_force:Odd offers in the end: nothing" in lines(out)
    assert ("The counterexample stands still for ever in its last state" in out) == (p == "Restarted")


def test_a_violation_in_the_initial_state_is_followed_in_no_step(run: Run, tmp_path: Path) -> None:
    """There is no table of steps; the initial state is compared."""
    trace = written(run, tmp_path, ODD, "--property", "Nowhere")
    said = lines(run(ODD, "replay", trace, impl("Odd"))[1])
    assert "test_force:Odd followed the counterexample to its end: 0 steps" in said
    assert "# who does step" not in said
    assert "compared: 7 values; never shown: none of the variables" in said


def test_in_a_pipe_it_is_plain_and_narrow_and_on_a_terminal_it_is_not(
    run: Run, trace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the other reports."""
    for name in ENDINGS:
        out = run(MUTEX, "replay", trace, impl(name))[1]
        assert "\x1b" not in out
        assert all(len(line) <= 120 and line == line.rstrip() for line in out.splitlines())
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert "\x1b[" in run(MUTEX, "replay", trace, impl("Refuses"))[1]


def test_the_report_can_go_to_a_file(run: Run, trace: str, tmp_path: Path) -> None:
    """What is written there is what standard output would have had."""
    file = tmp_path / "report.txt"
    code, out, err = run(MUTEX, "replay", trace, impl("Refuses"), "--output", str(file))
    assert (code, out, err) == (1, "", f"written: {file}\n")
    assert file.read_text() == run(MUTEX, "replay", trace, impl("Refuses"), "--output", "-")[1]


def test_what_an_implementation_prints_is_no_part_of_the_report(
    run: Run, trace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes to standard error."""

    class Prints(test_force.Faithful):
        def ask(self, message: Any) -> Any:
            print("asked")  # noqa: T201
            return super().ask(message)

    monkeypatch.setattr(test_force, "Prints", Prints, raising=False)
    code, out, err = run(MUTEX, "replay", trace, impl("Prints"), "--format", "json")
    assert (code, json.loads(out)["ending"], err) == (0, "followed", "asked\n" * 6)


def test_a_trace_of_another_version_says_so(run: Run, trace: str) -> None:
    """As show does."""
    document = json.loads(Path(trace).read_text())
    document["#meta"]["versions"] = {"sagacheck": "0.0.1"}
    Path(trace).write_text(json.dumps(document))
    code, _, err = run(MUTEX, "replay", trace, impl("Faithful"))
    assert code == 0
    assert err == f"{trace} was written by sagacheck 0.0.1; every step of it is still possible\n"


# What it says to programs ---------------------------------------------------------------------------------------------


def report(run: Run, trace: str, name: str, *arguments: str, spec: str = MUTEX) -> dict[str, Any]:
    """The report for programs, which fits its schema."""
    found: dict[str, Any] = json.loads(run(spec, "replay", trace, impl(name), "--format", "json", *arguments)[1])
    Draft202012Validator(schema("replay")).validate(found)
    return found


def test_the_schema_is_a_schema_that_allows_nothing_else() -> None:
    """It is valid itself, and each of its objects closes its list of properties or gives the type of all."""
    found = schema("replay")
    Draft202012Validator.check_schema(found)

    def objects(part: Any) -> list[dict[str, Any]]:
        values = part.values() if isinstance(part, dict) else part
        inner = [x for v in values if isinstance(v, dict | list) for x in objects(v)]
        return [part, *inner] if isinstance(part, dict) and part.get("type") == "object" else inner

    every = objects(found)
    assert len(every) > 4
    for part in every:
        closed = part["additionalProperties"] is False and set(part["required"]) == set(part["properties"])
        assert closed or (isinstance(part["additionalProperties"], dict) and "properties" not in part)


@pytest.mark.parametrize("name", [*ENDINGS, "BeginsElsewhere", "Atomic", "HidesAll", "HidesProcesses", "Coarse"])
def test_every_report_fits_the_schema_and_gives_the_exit_code(run: Run, trace: str, name: str) -> None:
    """Each ending, with and without an expectation."""
    for arguments in ((), ("--expect", "refused")):
        made = report(run, trace, name, *arguments)
        assert made["exit_code"] == run(MUTEX, "replay", trace, impl(name), *arguments)[0]
        assert made["expected"] == (arguments[1] if arguments else None)
        before = made["step"]["number"] - 1 if made["step"] else 0
        assert made["followed"] == (4 if made["ending"] == "followed" else before)


def test_the_report_has_the_model_the_step_and_what_was_on_offer(run: Run, trace: str) -> None:
    """With the keys that the report of a check has for the same things."""
    made = report(run, trace, "Refuses")
    assert (made["format"], made["spec"], made["design"], made["structure"]) == (
        "sagacheck-replay-1", "mutex", "look-then-take", "3",
    )  # fmt: skip
    assert (made["property"], made["element"], made["wrong"]) == ("MutualExclusion", "a", "a is not alone inside")
    assert (made["length"], made["loop"], made["ending"], made["followed"]) == (4, None, "refused", 3)
    assert made["implementation"] == {"selected": "test_force:Refuses", "name": "toy", "language": "Python"}
    assert made["step"] == {
        "number": 4, "action": "take", "elements": ["b"], "actor": "process",
        "text": "b takes the lock that it saw free.", "declared": True,
    }  # fmt: skip
    assert made["offers"] == [{"action": "leave", "elements": ["a"]}]
    assert made["differences"] == []
    assert made["compared"] == {"values": 16, "never": [], "unseen": []}
    assert set(made["versions"]) == {"sagacheck", "python"}


def test_the_report_has_both_sides_of_every_difference(run: Run, trace: str) -> None:
    """With the values of the specification, and null for a variable that has no elements."""
    assert report(run, trace, "Atomic")["differences"] == [
        {"variable": "pc", "element": "a", "trace": "TRYING", "implementation": "INSIDE"},
        {"variable": "locked", "element": None, "trace": False, "implementation": True},
    ]


def test_the_report_of_a_loop_and_of_what_was_not_shown(run: Run, tmp_path: Path) -> None:
    """The index that the loop returns to, and the variables that the violation rests on.

    What should have come is more jobs than there are, one of them idle, and a lamp that is on: with all jobs done and
    counted it is no matter of the lamp.
    """
    trace = written(run, tmp_path, ODD, *ROUND)
    made = report(run, trace, "OddHides", spec=ODD)
    assert (made["loop"], made["length"], made["ending"]) == (4, 6, "followed")
    assert made["compared"] == {"values": 46, "never": [], "unseen": ["phase", "count"]}
    for name in ("OddRound", "OddHidesLamp", "OddHidesLampAndCount"):
        assert report(run, trace, name, spec=ODD)["compared"]["unseen"] == []


def test_what_is_certain_is_so_whatever_is_hidden() -> None:
    """A claim about some bits is certain of a truth only where it has that truth for all values of the hidden ones.

    Of two claims about different bits what is certain is that, in every combination by not, and, or.
    """
    variable = mutex.specification(False).variable("locked")
    a, b, c = (Slot(variable, None, i, 1) for i in range(3))
    table = GroundTable()
    p, q, r = (table.slot(s) for s in (a, b, c))
    pairs = [table.junction(op, (x, y)) for op in ("and", "or") for x in (p, table.negation(p)) for y in (q, r)]
    claims = [p, *pairs, *(table.negation(x) for x in pairs), *(table.junction("or", (x, r)) for x in pairs)]
    for claim, state, hidden, truth in product(claims, range(8), range(8), (False, True)):
        possible = {evaluate(claim, state & ~hidden | other & hidden) for other in range(8)}
        sure = certain(claim, Knowledge(~hidden, state & ~hidden)) is truth
        assert sure <= (possible == {int(truth)})
        if claim in pairs or claim is p or claim.op == "not":
            assert sure == (possible == {int(truth)})


def test_where_it_was_not_followed_nothing_rests_on_what_was_not_shown(run: Run, trace: str) -> None:
    """That the property speaks of a hidden variable matters only to who has the violation."""
    made = report(run, trace, "HidesAndIsLate")
    assert (made["ending"], made["compared"]["never"], made["compared"]["unseen"]) == ("not reached", ["pc"], [])


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(more=1),
        lambda d: d.pop("meaning"),
        lambda d: d.update(ending="gave up"),
        lambda d: d.update(exit_code=2),
        lambda d: d.update(expected="not reached"),
        lambda d: d["step"].update(number=0),
        lambda d: d["offers"].append("leave(a)"),
        lambda d: d["compared"].pop("values"),
        lambda d: d["differences"].append({"variable": "pc", "element": "a", "trace": None, "implementation": "x"}),
    ],
)
def test_a_report_that_is_changed_does_not_fit_the_schema(
    run: Run, trace: str, change: Callable[[Any], object]
) -> None:
    """A key too many, one too few, a value that there is not."""
    made = report(run, trace, "Refuses")
    changed = copy.deepcopy(made)
    change(changed)
    with pytest.raises(ValidationError):
        Draft202012Validator(schema("replay")).validate(changed)


# Ctrl-C ---------------------------------------------------------------------------------------------------------------


def test_ctrl_c_says_how_far_it_got(run: Run, trace: str) -> None:
    """Exit code 3, and nothing on standard output."""
    said = "interrupted: test_force:Interrupted had followed 2 of 4 steps\n"
    assert run(MUTEX, "replay", trace, impl("Interrupted")) == (3, "", said)


def test_ctrl_c_is_heard_while_the_implementation_is_busy(trace: str) -> None:
    """In a process of its own, in the middle of a step that never ends."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(TESTS)])}
    command = [sys.executable, "-m", "sagacheck", MUTEX, "replay", trace, impl("Sleeps")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment) as ended:
        assert ended.stderr is not None
        assert ended.stderr.readline() == "sleeping\n"
        ended.send_signal(signal.SIGINT)
        out, err = ended.communicate(timeout=30)
    assert (ended.returncode, out) == (3, "")
    assert err == "interrupted: test_force:Sleeps had followed 0 of 4 steps\n"


# The real thing -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The counterexamples to `writer=split` on a small saga."""
    folder = tmp_path_factory.mktemp("traces")
    arguments = ["--set", "writer=split", "--dag", "a>b", "--format", "itf", "--output", str(folder / "t.itf.json")]
    assert process("check", "--design", "conforming", *arguments).returncode == 1
    return folder


@pytest.mark.parametrize("name", ["NoTornState", "NoPanic"])
def test_a_real_counterexample_is_followed_by_its_mutant_and_not_by_the_reference(
    traces: Path, name: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mutant has the violation; the reference executor, which is the default, has not. In one process."""
    monkeypatch.chdir(REFERENCE)
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p != str(REFERENCE)])
    trace = str(traces / f"t-{name}.itf.json")
    code, out, err = run("replay", trace)
    assert (code, err) == (1, "")
    assert "reference diverged from the counterexample of conforming writer=split to " + name in out
    code, out, err = run("replay", trace, "--impl", "mutants:SplitAdapter")
    assert (code, err) == (0, "")
    assert out.endswith(f"followed: {name} is violated in mutants:SplitAdapter too\n")
    assert run("replay", trace, "--impl", "mutants:SplitAdapter", "--expect", "followed")[0] == 0
    assert run("replay", trace, "--impl", "reference", "--expect", "followed")[0] == 1
    assert run("replay", trace, "--expect", "diverged")[0] == 0


def test_as_a_process_in_the_folder_of_the_mutants(traces: Path) -> None:
    """`--impl module:object` is imported from the current directory, and standard error stays empty."""
    trace = str(traces / "t-NoTornState.itf.json")
    script = "import sys; sys.path.remove(''); from sagacheck._cli import main; sys.exit(main())"
    codes = []
    for name in ("mutants:SplitAdapter", "reference"):
        command = [sys.executable, "-c", script, "replay", trace, "--impl", name]
        done = subprocess.run(command, cwd=REFERENCE, capture_output=True, text=True, check=False)
        assert done.stderr == ""
        codes.append(done.returncode)
    assert codes == [0, 1]
