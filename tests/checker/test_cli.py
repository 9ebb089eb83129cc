"""The command line: exit codes, selecting a specification, refusals in one sentence, explanations."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from command_line import BROKEN, MUTEX, ODD, TESTS, Run, interrupting, process, refused
from sagacheck import SpecificationError, _commands, _explain
from sagacheck._cli import load_domain, take_spec

# Exit codes -----------------------------------------------------------------------------------------------------------


def test_exit_code_0_where_all_properties_hold(run: Run) -> None:
    """A design that satisfies everything ends with 0."""
    code, out, err = run(MUTEX, "check")
    assert code == 0
    assert out.endswith("holds (4 holds)\n")
    assert err == ""


def test_exit_code_1_where_a_property_is_violated(run: Run) -> None:
    """A violated property ends with 1."""
    assert run(*BROKEN)[0] == 1


def test_exit_code_3_where_a_limit_is_reached_and_nothing_is_violated(run: Run) -> None:
    """What a limit left open is undetermined, and says which limit."""
    code, out, _ = run(MUTEX, "check", "--processes", "9", "--set", "taking=two-steps", "--property", "FirstEnters",
                       "--max-states", "1")  # fmt: skip
    assert code == 3
    assert "--max-states 1 reached" in out


def test_a_violation_outranks_a_limit(run: Run) -> None:
    """A violation found before the limit is reported as such, though other properties are undetermined."""
    code, out, _ = run(*BROKEN, "--processes", "12", "--max-states", "2000")
    assert code == 1
    assert "undetermined" in out


def test_exit_code_3_where_the_user_interrupts_before_a_violation(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C prints what is known, and what is not known stays undetermined."""
    monkeypatch.setattr(_commands, "progress", interrupting)
    code, out, _ = run(*BROKEN)
    assert code == 3
    assert "the search did not end: interrupted" in out


def test_a_violation_outranks_ctrl_c(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A violation found before Ctrl-C decides the exit code."""
    monkeypatch.setattr(_commands, "progress", interrupting)
    assert run(ODD, "check")[0] == 1  # violated in the initial state


def test_the_process_ends_with_the_exit_code() -> None:
    """The exit code reaches the shell, through `python -m sagacheck`."""
    assert process(*BROKEN).returncode == 1
    assert process(MUTEX, "check").returncode == 0
    assert process(MUTEX, "check", "--nonsense").returncode == 2


def test_commands_that_only_show_something_exit_with_0(run: Run, tmp_path: Path) -> None:
    """A table with violations in it, an explanation, a listing and a trace are complete, so they end with 0."""
    trace = tmp_path / "trace.itf.json"
    run(*BROKEN, "--format", "itf", "--output", str(trace))
    for arguments in (["designs"], ["explain", "look"], ["show", str(trace)]):
        assert run(MUTEX, *arguments)[0] == 0
    assert run(ODD, "joblist")[0] == 0


# Selecting a specification --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [["--spec", "mutex:domain", "check"], ["check", "--spec", "mutex:domain"], ["check", "--spec=mutex:domain"]],
)
def test_the_specification_can_be_named_anywhere(run: Run, arguments: Sequence[str]) -> None:
    """`--spec` is found before the command and after it, in both of its forms."""
    code, out, _ = run(*arguments)
    assert code == 0
    assert "specification  mutex" in out


def test_the_options_of_the_domain_are_options_of_the_command(run: Run) -> None:
    """Help shows them with their default, and square brackets in their text are no markup."""
    code, out, _ = run(ODD, "check", "--help")
    assert code == 0
    for word in ("--jobs", "--odd-option", "yes|no", "[default: yes]", "[in brackets]", "ending=still|round"):
        assert word in out
    assert "--jobs" not in run(MUTEX, "check", "--help")[1]


def test_help_ends_with_the_command_to_try_first(run: Run) -> None:
    """Commands are grouped by reader; the last line is a command that works."""
    code, out, _ = run(ODD, "--help")
    assert code == 0
    assert "joblist" in out
    assert out.rstrip().endswith("Try first: sagacheck --spec oddities:domain check")


def test_the_current_directory_is_importable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module beside the user can be named without installing it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    (tmp_path / "beside_the_user.py").write_text("from mutex import domain as mine\n")
    assert load_domain("beside_the_user:mine").name == "mutex"


def test_version_needs_no_specification(run: Run) -> None:
    """`--version` prints one line, whatever is installed."""
    code, out, _ = run("--version")
    assert code == 0
    assert out.startswith("sagacheck ")


@pytest.mark.parametrize(
    ("spec", "word"),
    [
        ("nowhere:domain", "nowhere"),
        ("mutex:missing", "missing"),
        ("mutex:Pc", "not a sagacheck Domain"),
        ("", "give the name"),
        ("raises_on_import:x", "ZeroDivisionError"),
        (":", "or module:object"),
        ("os:", "or module:object"),
        (":x", "or module:object"),
    ],
)
def test_a_specification_that_cannot_be_had_is_refused(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: str, word: str
) -> None:
    """A missing module, a missing object, something else, no name, a module that fails: one sentence each."""
    (tmp_path / "raises_on_import.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    refused(run("check", f"--spec={spec}"), "--spec", word)


def test_two_specifications_at_once_are_refused(run: Run) -> None:
    """The second `--spec` does not silently win."""
    refused(run(MUTEX, ODD, "check"), "mutex:domain", "oddities:domain")


def test_what_follows_two_dashes_is_no_option() -> None:
    """After `--` even `--spec` is an argument."""
    assert take_spec(["explain", "--", "--spec", "x"]) == (None, ["explain", "--", "--spec", "x"])


def test_a_mistake_in_a_specification_is_one_sentence_with_its_place(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """File and line of the mistake are shown, and no traceback."""

    def fail(name: str | None) -> None:  # noqa: ARG001
        raise SpecificationError("this is wrong", "spec.py", 7)

    monkeypatch.setattr("sagacheck._cli.find_domain", fail)
    refused(run("check"), "spec.py:7: this is wrong")


# Refusals -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["check", "--design", "look-then-tak"], "look-then-take"),
        (["check", "--set", "taking"], "give axis=value"),
        (["check", "--set", "taking=slowly"], "one-step or two-steps"),
        (["check", "--set", "taking=one-step", "--set", "taking=two-steps"], "already set"),
        (["check", "--property", "Nonsense"], "Nonsense"),
        (["check", "--processes", "many"], "1 to 26"),
        (["check", "--max-states", "0"], "--max-states"),
        (["check", "--max-states", "many"], "--max-states"),
        (["check", "--max-seconds", "0"], "--max-seconds 0"),
        (["check", "--max-seconds", "nan"], "--max-seconds nan"),
        (["check", "--max-seconds", "soon"], "--max-seconds soon"),
        (["check", "--max-memory", "lots"], "--max-memory lots"),
        (["check", "--max-memory", "0G"], "--max-memory 0G"),
        (["check", "--max-memory", "512"], "--max-memory 512: give a size of 1M or more with its unit"),
        (["check", "--max-memory", "1000K"], "--max-memory 1000K: give a size of 1M"),
        (["check", "--max-memory", "9" * 5000 + "M"], "--max-memory 999"),
        (["check", "--max-states", "9" * 5000], "--max-states"),
        (["check", "--processes", "²"], "--processes ²: give a number"),
        (["check", "--processes", "9" * 5000], "1 to 26"),
        (["check", "--design", ""], "--design: give a NAME"),
        (["check", "--design=", "--first"], "--design: give a NAME"),
        (["check", "--output", ""], "--output: give -, or a FILE"),
        (["designs", "--resume="], "--resume: give a FILE"),
        (["check", "--design", "test-and-set", "--design", "look-then-take"], "--design: give it once"),
        (["check", "--processes", "2", "--processes=3"], "--processes: give it once"),
        (["check", "--format", "xml"], "--format"),
        (["check", "--output", "/nonexistent/folder/report"], "there is no folder"),
        (["check", "--output", "."], "this is a folder"),
        (["check", "--nonsense"], "--nonsense"),
        (["chek"], "chek"),
        (["explain"], "NAME"),
        (["explain", "MutualExclusio"], "'MutualExclusion'"),
        (["explain", "LOOK"], "'look'"),
        (["explain", "zzz"], "2 designs, 1 axis, 4 properties, 3 actions and 2 variables"),
        (["explain", "z" * 5000], "2 designs"),
        (["show", "/dev/zero"], "/dev/zero: this is no regular file"),
        (["designs", "--resume", "/dev/zero"], "--resume /dev/zero: this is no regular file"),
        (["show", "/nonexistent/trace"], "/nonexistent/trace: cannot be read"),
        (["designs", "--resume", "/nonexistent/rows"], "--resume /nonexistent/rows"),
    ],
)
def test_wrong_input_is_refused_in_one_sentence(run: Run, arguments: list[str], word: str) -> None:
    """The sentence names what was wrong."""
    refused(run(MUTEX, *arguments), word)


def test_an_option_that_the_domain_refuses_is_refused(run: Run) -> None:
    """The domain's own sentence is shown."""
    refused(run(ODD, "check", "--odd-option", "maybe"), "--odd-option maybe: give yes or no")


@pytest.mark.parametrize(
    ("text", "size"),
    [("2G", 2 << 30), ("500M", 500 << 20), ("1536k", 1536 << 10), ("1.5M", 3 << 19), ("1GiB", 1 << 30)],
)
def test_sizes_are_read(text: str, size: int) -> None:
    """Sizes have the usual units."""
    from sagacheck._options import limits

    assert limits(None, None, text).memory == size


@pytest.mark.parametrize("error", [RecursionError("maximum recursion depth exceeded"), MemoryError()])
def test_what_is_too_large_for_python_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """A structure whose expressions are too deep, or that fills the memory, ends in one sentence."""

    def fail(*arguments: object, **options: object) -> None:  # noqa: ARG001
        raise error

    monkeypatch.setattr(_commands, "check_model", fail)
    refused(run(MUTEX, "check"), "too large", "check a smaller one")


def test_what_is_repeatable_may_be_given_twice_and_values_are_no_options(run: Run) -> None:
    """`--property` and flags are not refused, and neither is what stands where a value is expected."""
    properties = ["--property", "Entered", "--property=FirstEnters"]
    assert run(MUTEX, "check", "--first", "--first", "--design", "test-and-set", *properties)[0] == 0
    refused(run(MUTEX, "check", "--design", "--output", "--output", "/nonexistent/x"), "no design '--output'")


@pytest.mark.parametrize("command", [["check", "--dag", "chain:1"], ["show"]])
def test_a_count_of_5000_digits_is_refused(run: Run, tmp_path: Path, command: list[str]) -> None:
    """Python would not turn it into a number; it is as wrong in a file as it is as an option."""
    digits = "9" * 5000
    file = tmp_path / "trace.itf.json"
    design = ["--design", "steno-461", "--property", "NoPanic"]
    if command == ["show"]:
        traced = ["check", "--dag", "a>b", "--format", "itf", "--output", str(file), *design]
        assert run(*traced)[0] == 1
        document = json.loads(file.read_text())
        document["#meta"]["environment"]["crashes"] = digits
        file.write_text(json.dumps(document))
        refused(run("show", str(file)), "--crashes '999")
    else:
        refused(run(*command, "--crashes", digits), "--crashes '999")


# Ctrl-C before the search ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["check", "--dag", "chain:300"], "interrupted before anything was decided\n"),
        (["designs", "--dag", "chain:300"], "interrupted: 0 designs are decided\n"),
    ],
)
def test_ctrl_c_before_the_first_state_is_one_sentence(arguments: list[str], sentence: str) -> None:
    """While a large structure is unrolled nothing is known yet: one sentence and exit code 3."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(TESTS)])}
    command = [sys.executable, "-m", "sagacheck", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as ended:
        time.sleep(3)
        ended.send_signal(signal.SIGINT)
        _, err = ended.communicate(timeout=30)
    assert (ended.returncode, err) == (3, sentence)


def test_ctrl_c_in_a_command_that_decides_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so and ends with 3."""

    def interrupt(*arguments: object) -> None:  # noqa: ARG001
        raise KeyboardInterrupt

    monkeypatch.setattr(_explain, "explain", interrupt)
    assert run(MUTEX, "explain", "look") == (3, "", "interrupted\n")


# What the report leaves out -------------------------------------------------------------------------------------------


def test_a_search_that_expanded_no_state_names_no_actions(run: Run) -> None:
    """Where everything asked for is excluded nothing was searched, so that nothing is said about actions."""
    code, out, _ = run("check", "--dag", "chain:1", "--property", "Stuck")
    assert code == 3
    assert "not possible" not in out
    assert "not possible so far: leave" in run(MUTEX, "check", "--max-states", "1")[1]


def test_bytes_per_state_are_shown_only_where_they_mean_something(run: Run) -> None:
    """Below a thousand states it is the size of everything else."""
    assert "bytes_per_state=-\n" in run(MUTEX, "check")[1]
    out = run(MUTEX, "check", "--design", "look-then-take", "--processes", "11")[1]
    assert "bytes_per_state=-" not in out


# Explaining -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "MutualExclusion",
            ["property (always)", "it is what a lock is for", "E. W. Dijkstra", "def MutualExclusion", "m != n"],
        ),
        ("take", ["action of process", "only in", "look-then-take", "require(s.pc[n] == Pc.TRYING)", "pc[n] = TRYING"]),
        ("look-then-take", ["design", "Two steps.", "It differs from test-and-set in: taking=two-steps"]),
        ("test-and-set", ["This is the default design."]),
        ("taking", ["axis", "taking=two-steps", "in look-then-take"]),
        ("locked", ["variable", "whether the lock is taken", "boolean"]),
        ("NoDeadlock", ["built in"]),
    ],
)
def test_each_name_is_explained_from_the_specification(run: Run, name: str, words: list[str]) -> None:
    """Definition, reason and source come from the text of the specification."""
    code, out, _ = run(MUTEX, "explain", name)
    assert code == 0
    for word in words:
        assert word in out
