"""The table of designs: rows, key, formats, and rows that are kept on disk through kills and Ctrl-C."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import mutex
import sagaspec
from command_line import MUTEX, ODD, Run, interrupting, refused
from sagacheck import Domain, Specification, Structure, _commands, _designs
from sagacheck._digest import digest
from sagacheck._explore import Limits
from sagacheck._progress import progress
from sagacheck._schema import schema


def test_the_table_has_every_named_design_and_every_deviation(run: Run) -> None:
    """Rows, numbers of steps, words and a key."""
    code, out, _ = run(MUTEX, "designs")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert code == 0
    assert "test-and-set · · · 1/1 holds" in lines
    assert "look-then-take 4 · · 1/1 violated" in lines
    assert "taking=two-steps (look-then-take) 4 · · 1/1 violated" in lines
    assert "1 MutualExclusion No two processes are inside." in lines
    assert "1 of 2 designs satisfy everything that was checked: test-and-set." in lines
    assert max(len(line) for line in out.splitlines()) <= 120


def test_a_row_past_its_limit_is_undetermined(run: Run) -> None:
    """The table is complete all the same."""
    code, out, _ = run(MUTEX, "designs", "--max-states", "1")
    assert code == 0
    assert "test-and-set ? ? ? 1/1 undetermined" in [" ".join(x.split()) for x in out.splitlines()]


def test_the_table_as_json_fits_its_schema(run: Run) -> None:
    """Every verdict of the table is there, with the settings of its design."""
    _, out, _ = run(ODD, "designs", "--all", "--format", "json")
    table = json.loads(out)
    Draft202012Validator(schema("designs")).validate(table)
    assert [row["settings"]["ending"] for row in table["rows"]] == ["still", "round"]
    assert table["rows"][0]["cells"]["LampOn"]["verdict"] == "not checked"
    assert table["limits"] == {"states": 200_000, "seconds": 60.0, "memory": None}


def test_the_table_as_markdown_is_a_table(run: Run) -> None:
    """Every row has as many cells as the head."""
    _, out, _ = run(ODD, "designs", "--format", "markdown")
    widths = {line.count("|") for line in out.splitlines() if line.startswith("|")}
    assert len(widths) == 1


def test_rows_that_are_kept_are_not_decided_again(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second run reads the file and gives the same table."""
    rows = str(tmp_path / "rows.jsonl")
    first = run(MUTEX, "designs", "--resume", rows)

    def fail(*arguments: object, **options: object) -> None:  # noqa: ARG001
        raise AssertionError("a row was decided again")

    monkeypatch.setattr(_designs, "check", fail)
    assert run(MUTEX, "designs", "--resume", rows) == first


@pytest.mark.parametrize("other", [["--processes", "3"], ["--max-states", "7"]])
def test_rows_of_another_model_or_limit_do_not_count(run: Run, tmp_path: Path, other: list[str]) -> None:
    """A row belongs to one structure and to one set of limits."""
    rows = tmp_path / "rows.jsonl"
    run(MUTEX, "designs", "--resume", str(rows))
    run(MUTEX, "designs", "--resume", str(rows), *other)
    assert len(rows.read_text().splitlines()) == 4


@pytest.mark.parametrize("kept", [1, 300])
def test_a_partial_last_line_is_cut_off(run: Run, tmp_path: Path, kept: int) -> None:
    """A run that was killed while it wrote leaves a file that the next one mends."""
    rows = tmp_path / "rows.jsonl"
    expected = run(MUTEX, "designs", "--resume", str(rows))
    whole = rows.read_text()
    second = whole.splitlines(keepends=True)[1]
    for partial in (whole[:kept], whole + second[:kept]):
        rows.write_text(partial)
        assert run(MUTEX, "designs", "--resume", str(rows)) == expected
        assert sorted(line[:200] for line in rows.read_text().splitlines()) == sorted(
            line[:200] for line in whole.splitlines()
        )


@pytest.mark.parametrize("text", ["notes\n", "notes", "{}\n", '{"format": "sagacheck-designs-row-1"}\n', "\n", "[]\n"])
def test_a_file_of_something_else_is_never_added_to(run: Run, tmp_path: Path, text: str) -> None:
    """A file that is no table of designs is refused and left as it was."""
    file = tmp_path / "notes.txt"
    file.write_text(text)
    refused(run(MUTEX, "designs", "--resume", str(file)), "line 1")
    assert file.read_text() == text


def test_ctrl_c_leaves_a_good_file(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The row that was interrupted is not in the file; table and exit code say that something is missing."""
    rows = tmp_path / "rows.jsonl"
    expected = run(MUTEX, "designs", "--resume", str(rows))
    first, _ = rows.read_text().splitlines(keepends=True)
    rows.write_text(first)
    with monkeypatch.context() as patched:
        patched.setattr(_commands, "progress", interrupting)
        code, out, err = run(MUTEX, "designs", "--resume", str(rows))
    assert code == 3
    assert "not computed" in out
    assert f"--resume {rows} goes on from here" in err
    assert rows.read_text() == first
    assert run(MUTEX, "designs", "--resume", str(rows)) == expected


# Rows of something that has changed since ----------------------------------------------------------------------------

SAGA = """{"saga_name": "mine", "start_node": 3, "end_node": 4, "graph": {
"nodes": [{"Action": {"name": "a", "label": "A", "action_name": "a"}},
          {"Action": {"name": "b", "label": "B", "action_name": "b"}},
          {"Action": {"name": "c", "label": "C", "action_name": "c"}}, {"Start": {"params": null}}, "End"],
"node_holes": [], "edge_property": "directed", "edges": %s}}"""


def decided(domain: Domain, structure: str, rows: Path) -> int:
    """How many rows are in the file after the default design is decided with `--resume`."""
    environment = {o.name: o.default for o in domain.environment}
    space = _designs.Space(domain, None, structure, environment, Limits(50))
    list(_designs.decide(space, [domain.design(domain.default)], _designs.Kept(rows), progress))
    return len(rows.read_text().splitlines())


def test_rows_of_a_file_that_has_changed_do_not_count(tmp_path: Path) -> None:
    """The name of a saga's file is the same, its edges, or the undo actions beside it, are not."""
    file, rows = tmp_path / "mine.json", tmp_path / "rows.jsonl"
    file.write_text(SAGA % "[[3, 0, null], [0, 1, null], [1, 2, null], [2, 4, null]]")
    assert decided(sagaspec.domain, str(file), rows) == 1
    assert decided(sagaspec.domain, str(file), rows) == 1
    file.write_text(SAGA % "[[3, 0, null], [3, 1, null], [0, 2, null], [1, 2, null], [2, 4, null]]")
    assert decided(sagaspec.domain, str(file), rows) == 2
    (tmp_path / "actions.json").write_text('{"mine": {"a": {"undo": false}}}')
    assert decided(sagaspec.domain, str(file), rows) == 3


def test_rows_of_a_specification_that_has_changed_do_not_count(tmp_path: Path) -> None:
    """An action or a property that is another one makes another row."""
    rows = tmp_path / "rows.jsonl"

    def specify(settings: Mapping[str, str], environment: Mapping[str, str]) -> Specification:
        s = mutex.domain.specify(settings, environment)
        return replace(s, actions=tuple(replace(a, guard=a.guard[:1]) for a in s.actions))

    assert decided(mutex.domain, "2", rows) == 1
    assert decided(mutex.domain, "2", rows) == 1
    assert decided(replace(mutex.domain, specify=specify), "2", rows) == 2


def test_the_digest_is_of_the_content() -> None:
    """Names for people do not count; what the engine reads does."""
    s = mutex.domain.specify({"taking": "two-steps"}, {})
    two = Structure("two", ("a", "b"), {"next": ((1,), ())}, {"odd": (True, False)}, {"first": 0})
    known = digest(s, two)
    assert digest(mutex.domain.specify({"taking": "two-steps"}, {}), replace(two, name="pair")) == known
    assert digest(replace(s, doc="text", settings={}), two) == known
    other = [
        digest(s, replace(two, labels=("a", "c"))),
        digest(s, replace(two, relations={"next": ((), (0,))})),
        digest(s, replace(two, predicates={"odd": (True, True)})),
        digest(s, replace(two, elements={"first": 1})),
        digest(replace(s, initial=s.actions[0].updates), two),
        digest(replace(s, actions=s.actions[::-1]), two),
        digest(replace(s, actions=tuple(replace(a, fair=False) for a in s.actions)), two),
        digest(replace(s, actions=tuple(replace(a, updates={}) for a in s.actions)), two),
        digest(replace(s, properties=tuple(replace(p, body=s.rest) for p in s.properties)), two),
        digest(replace(s, properties=tuple(replace(p, after=p.body) for p in s.properties)), two),
        digest(replace(s, rest=s.properties[-1].body), two),
        digest(mutex.domain.specify({"taking": "one-step"}, {}), two),
    ]
    assert len({known, *other}) == 1 + len(other)


def test_the_digest_is_the_same_in_every_process() -> None:
    """Neither hash seeds nor what was built before change it."""
    script = (
        "import sys\n"
        "from sagacheck._digest import digest\n"
        "from sagaspec import domain\n"
        "usual = {o.name: o.default for o in domain.environment}\n"
        "found = {d.name: digest(domain.specify(d.settings, usual), domain.load('diamond', usual))\n"
        "         for d in domain.designs[:: int(sys.argv[1])]}\n"
        "print(sorted(found.items()))\n"
    )
    printed = []
    for seed, order in (("1", "1"), ("2", "-1")):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", script, order]
        printed.append(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)
    assert printed[0].startswith("[('")
    assert printed[0] == printed[1]
