"""Claims about docs/reference.md: its code runs as written; its tables are those of the code and the specification."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from shown import ROOT, commands, python_blocks, run_command

from sagacheck import Kind
from sagacheck._check import DEADLOCK
from sagacheck._itf import values_of
from sagaref import POINTS
from sagaspec import domain

sys.path.insert(0, str(ROOT / "tests" / "reference"))

from mutants import MUTANTS
from traces import ENVIRONMENT, counterexamples, grounded, settings_of, walks

PAGE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
BLOCKS = python_blocks(PAGE)
SOMEBODY_ELSES = {"take_effect", "remove_effect", "ask_status", "crash"}


def part(name: str) -> str:
    """The part of the page between a mark and its end."""
    found = re.search(rf"^<!-- {name} -->\n(.*?)^<!-- end -->$", PAGE, re.DOTALL | re.MULTILINE)
    assert found is not None, name
    return found[1]


def table(name: str) -> list[list[str]]:
    """The rows of a table of the page, without its head."""
    rows = [line.strip("|").split("|") for line in part(name).splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in row] for row in rows[2:]]


# The code -----------------------------------------------------------------------------------------------------------


def test_every_python_block_runs_as_written_and_prints_what_stands_under_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One after the other, in one process and an empty directory."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "the_page"}
    assert len(BLOCKS) >= 5
    for code, printed in BLOCKS:
        exec(compile(code, "docs/reference.md", "exec", dont_inherit=True), names)
        assert capsys.readouterr().out == printed


def test_the_first_saga_is_one_file_of_some_thirty_lines(tmp_path: Path) -> None:
    """It needs nothing but itself."""
    code, printed = BLOCKS[0]
    assert len([line for line in code.splitlines() if line.strip()]) <= 33
    (tmp_path / "first.py").write_text(code, encoding="utf-8")
    run = subprocess.run([sys.executable, "first.py"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert (run.stdout, run.stderr) == (printed, "")


def test_every_command_prints_what_stands_under_it(tmp_path: Path) -> None:
    """To the letter, in the order of the page; a command may need a file that one before it wrote."""
    assert commands(PAGE)
    for lines, printed in commands(PAGE):
        out = [run_command(line, tmp_path) for line in lines]
        assert printed.strip() in out[-1]


# The promises -------------------------------------------------------------------------------------------------------


def test_every_promise_is_a_property_and_every_property_a_promise() -> None:
    """In the order of the specification."""
    specification, _ = _conforming()
    assert [row[0] for row in table("promises")] == specification


def _conforming() -> tuple[list[str], set[str]]:
    """What must hold in the conforming design: all properties but those that guard the model; and its actions."""
    specification = domain.specify(settings_of("conforming"), ENVIRONMENT)
    names = [p.name for p in specification.properties if p.kind is not Kind.SOMETIMES] + [DEADLOCK.name]
    return names, {action.name for action in specification.actions}


def test_every_promise_is_shown_by_tests_that_exist() -> None:
    """The words in the column are explained above the table, with the file."""
    explained = dict(re.findall(r"^- \*\*(\w+)\*\*: `([^`]+)`", PAGE, re.MULTILINE))
    used = {word for row in table("promises") for word in row[2].split(", ")}
    assert used == set(explained)
    assert [path for path in explained.values() if not (ROOT / path).exists()] == []


def test_what_breaks_a_promise_has_a_mutant_and_breaks_it() -> None:
    """On the saga of two parallel actions; where nothing is named no mutant breaks it."""
    broken = defaultdict(set)
    for design in MUTANTS:
        for outcome in counterexamples(design, "fork-join:2"):
            broken[outcome.property.name].add(design)
    for name, _, _, by in table("promises"):
        assert f"conforming {by}" in broken[name] if by else not broken[name], name


# The points ---------------------------------------------------------------------------------------------------------


def test_every_step_of_the_design_is_a_point_or_somebody_elses() -> None:
    """The table has the points in their order, and then the steps that are not the executor's."""
    rows = table("points")
    assert {row[0] for row in rows if row[2].startswith("somebody else's step: ")} == SOMEBODY_ELSES
    assert [row[0] for row in rows if row[0] not in SOMEBODY_ELSES] == list(POINTS)
    assert {row[0] for row in rows} == _conforming()[1]


def test_the_table_of_points_says_who_takes_a_step_and_what_it_changes() -> None:
    """As in walks of the specification, which the executor follows state for state."""
    ground, _ = grounded("conforming", "diamond")
    groups = {v.name: v.group for v in ground.specification.variables if v.name != "pc"}
    changed: dict[str, set[str]] = defaultdict(set)
    for trace in walks("conforming", "diamond", range(200), 120):
        states = [values_of(ground, state) for state in trace.states]
        for step, before, after in zip(trace.steps, states, states[1:], strict=False):
            changed[step.action.name] |= {groups[name] for name in groups if before[name] != after[name]}
    actors = {action.name: action.actor for action in ground.specification.actions}
    says = {"yes": True, "no": False}
    for name, actor, _, memory, log in table("points"):
        assert actor == actors[name]
        assert says[memory] == ("memory" in changed[name]), name
        assert says[log] == ("durable log" in changed[name]), name
