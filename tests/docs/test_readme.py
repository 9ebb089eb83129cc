"""The README shows what the commands print, and the commands in it work."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from shown import ROOT, commands, python_blocks, run_command

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
BLOCKS = [
    text for language, text in re.findall(r"^```(\w*)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE) if not language
]


def _printed(*arguments: str) -> str:
    run = subprocess.run([sys.executable, "-m", "sagacheck", *arguments], capture_output=True, text=True, check=False)
    assert run.stderr == ""
    return run.stdout


@pytest.mark.parametrize(
    ("block", "arguments"),
    [(0, ["designs"]), (1, ["check", "--design", "steno-0.4.1", "--property", "NoTornState"])],
    ids=["designs", "check"],
)
def test_readme_shows_what_the_command_prints(block: int, arguments: list[str]) -> None:
    """Each excerpt in the README stands, to the letter, in what its command prints."""
    assert BLOCKS[block].strip() in _printed(*arguments)


def test_readme_shows_what_its_python_prints() -> None:
    """The saga in the README runs as written, in a process of its own."""
    ((code, printed),) = python_blocks(README)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (run.stdout, run.stderr) == (printed, "")


def test_readme_shows_what_replay_prints(tmp_path: Path) -> None:
    """The race is forced upon the reference executor, which departs from it, and upon the mutant, which follows."""
    shown = [(lines, printed) for lines, printed in commands(README) if "sagacheck replay" in lines[-1]]
    assert len(shown) == 2
    for lines, printed in shown:
        out = [run_command(line, tmp_path) for line in lines]
        assert printed.strip() in out[-1]


def test_readme_shows_what_conform_prints(tmp_path: Path) -> None:
    """The real steno panics along the schedule. Without cargo the test is skipped, but fails where CI=true."""
    ((lines, printed),) = [shown for shown in commands(README) if "sagacheck conform" in shown[0][-1]]
    (build,) = re.findall(r"^    (\(cd .* cargo build .*\))$", README, re.MULTILINE)
    if shutil.which("cargo") is None and os.environ.get("CI") != "true":
        pytest.skip("there is no cargo to build the adapter of steno with")
    built = subprocess.run(["bash", "-c", build], cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    assert printed.strip() in run_command(lines[-1], tmp_path)


def test_the_commands_that_readme_offers_work(tmp_path: Path) -> None:
    """Those that need no file of the reader's, in their order: the second reads what the first wrote."""
    for program in ("sagacheck check --design steno-0.4.1 --property NoPanic", "sagacheck show"):
        (line,) = [line for line in README.splitlines() if line.startswith(f"    {program} ")]
        assert run_command(line.strip(), tmp_path) or "check" in program


def test_readme_names_files_that_exist() -> None:
    """Every relative link in the README leads to a file."""
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links
    assert [link for link in links if not (Path(__file__).parents[2] / link).exists()] == []
