"""The table of designs: rows, key, formats, and rows that are kept on disk through kills and Ctrl-C."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from command_line import MUTEX, ODD, Run, interrupting, refused
from sagacheck import _commands, _designs
from sagacheck._json_report import schema


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
