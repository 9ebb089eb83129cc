"""Where output goes: files are replaced only when the new one is complete, standard error speaks to people."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from command_line import BROKEN, MUTEX, ODD, Run, process, refused
from sagacheck import InputError, _console, _output, _progress

# Files ----------------------------------------------------------------------------------------------------------------


def test_a_report_goes_to_the_file_and_not_to_standard_output(run: Run, tmp_path: Path) -> None:
    """With --output the report is in the file, and standard error says so."""
    file = tmp_path / "report.txt"
    code, out, err = run(*BROKEN, "--output", str(file))
    assert (code, out, err) == (1, "", f"written: {file}\n")
    assert "a is not alone inside." in file.read_text()


def test_the_old_file_stays_when_the_new_one_fails(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is replaced only when the new one is complete; nothing is left beside it."""
    file = tmp_path / "report.txt"
    file.write_text("old")

    def fail(descriptor: int) -> None:  # noqa: ARG001
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    refused(run(MUTEX, "check", "--output", str(file)), "No space left on device")
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_replaced_file_keeps_its_mode_and_a_link_its_target(tmp_path: Path) -> None:
    """What is behind a symbolic link is replaced, not the link; permissions stay."""
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to(file)
    _output.replace_file(link, "new")
    assert link.is_symlink()
    assert file.read_text() == "new"
    assert file.stat().st_mode & 0o777 == 0o640


def test_a_device_is_written_and_not_replaced() -> None:
    """The null device is still one afterwards."""
    _output.replace_file(Path("/dev/null"), "text")
    assert not Path("/dev/null").is_file()


def test_one_trace_goes_to_the_file_itself(run: Run, tmp_path: Path) -> None:
    """One violated property: FILE."""
    file = tmp_path / "trace.itf.json"
    code, out, err = run(*BROKEN, "--format", "itf", "--output", str(file))
    assert (code, out) == (1, "")
    assert err == f"violated: MutualExclusion; written: {file}\n"
    assert [p.name for p in tmp_path.iterdir()] == ["trace.itf.json"]


def test_several_traces_go_to_a_file_each(run: Run, tmp_path: Path) -> None:
    """Several violated properties: FILE-PROPERTY.ext, and the list on standard error; without a trace, no file."""
    code, out, err = run(ODD, "check", "--format", "mermaid", "--output", str(tmp_path / "trace.mmd"))
    expected = [f"trace-{p}.mmd" for p in ("NeverNoted", "NoDeadlock", "Nowhere", "Restarted")]
    assert (code, out) == (1, "")
    assert sorted(p.name for p in tmp_path.iterdir()) == expected
    assert all(name in err for name in expected)


def test_no_violated_property_makes_no_file(run: Run, tmp_path: Path) -> None:
    """None violated: no file, and a sentence."""
    code, out, err = run(MUTEX, "check", "--format", "itf", "--output", str(tmp_path / "trace.itf.json"))
    assert (code, out) == (0, "")
    assert "no trace is written" in err
    assert list(tmp_path.iterdir()) == []


def test_the_only_trace_goes_to_standard_output(run: Run) -> None:
    """Without --output one trace is the output."""
    code, out, _ = run(*BROKEN, "--format", "itf")
    assert code == 1
    assert json.loads(out)["#meta"]["property"] == "MutualExclusion"


def test_several_traces_without_a_file_are_refused_but_count_as_violations(run: Run) -> None:
    """The sentence names --output; the exit code still says that something is violated."""
    code, out, err = run(ODD, "check", "--format", "itf")
    assert (code, out) == (1, "")
    assert "4 properties are violated" in err
    assert "--output" in err


@pytest.mark.parametrize("form", ["text", "json", "itf"])
def test_a_dash_names_standard_output(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    """`--output -` makes no file of that name."""
    monkeypatch.chdir(tmp_path)
    code, out, err = run(*BROKEN, "--format", form, "--output", "-")
    assert (code, err) == (1, "")
    assert "MutualExclusion" in out
    assert run(MUTEX, "designs", "--output", "-")[1]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("other", ["rows", "./rows", "link", "copy"])
@pytest.mark.parametrize("there", [False, True])
def test_the_table_does_not_replace_its_rows(run: Run, tmp_path: Path, other: str, there: bool) -> None:
    """One file for --resume and --output is refused, by whatever name, and left as it was."""
    rows = tmp_path / "rows"
    (tmp_path / "link").symlink_to(rows)
    if there or other == "copy":
        run(MUTEX, "designs", "--resume", str(rows))
        (tmp_path / "copy").hardlink_to(rows)
    before = rows.read_text() if rows.exists() else None
    refused(run(MUTEX, "designs", "--resume", str(rows), "--output", f"{tmp_path}/{other}"), "the file of --resume")
    assert (rows.read_text() if rows.exists() else None) == before


@pytest.mark.parametrize(
    ("path", "named"), [("t.json", "t-P.json"), ("d/t.itf.json", "d/t-P.itf.json"), ("t", "t-P"), (".t", ".t-P")]
)
def test_a_file_is_named_after_its_property(path: str, named: str) -> None:
    """The property stands before the suffix."""
    assert _output.named_after(Path(path), "P") == Path(named)


# Standard output and standard error -----------------------------------------------------------------------------------


def test_a_full_disk_is_one_sentence() -> None:
    """Standard output that cannot be written ends with 2 and no traceback."""
    with Path("/dev/full").open("w") as full:
        ended = process(MUTEX, "check", stdout=full.fileno())
    assert ended.returncode == 2
    assert ended.stderr == "sagacheck: standard output cannot be written (No space left on device)\n"


def test_a_closed_pipe_is_quiet() -> None:
    """`sagacheck ... | head` says nothing when head has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    ended = process(*BROKEN, stdout=writer)
    os.close(writer)
    assert ended.stderr == ""
    assert ended.returncode == 141


def test_progress_is_quiet_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    """Where standard error is no terminal there is no progress."""
    with _progress.progress("checking") as show:
        assert show is None
    assert capsys.readouterr().err == ""


def test_text_that_cannot_be_encoded_is_replaced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A terminal without Unicode gets question marks rather than a traceback."""
    with (tmp_path / "out").open("w", encoding="ascii") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        _console.write("a → b\n")
    assert (tmp_path / "out").read_text() == "a ? b\n"


def test_progress_on_a_terminal_has_the_fields_of_the_report() -> None:
    """On a pseudo-terminal the line shows states, frontier, depth and speed."""
    import pty

    leader, follower = pty.openpty()
    script = (
        "from sagacheck._progress import progress\n"
        "with progress('checking') as show:\n"
        "    show(5, 3, 2)\n"
    )  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TERM": "xterm", "COLUMNS": "120"}
    subprocess.run([sys.executable, "-c", script], stderr=follower, env=environment, check=True)
    os.close(follower)
    shown = os.read(leader, 10_000).decode()
    os.close(leader)
    assert "states=5 frontier=3 depth=2 states_per_second=" in shown


def test_an_input_error_is_the_users() -> None:
    """A file that cannot be written is bad input, not a crash."""
    with pytest.raises(InputError, match="cannot be written"):
        _output.replace_file(Path("/proc/nothing/here"), "text")
