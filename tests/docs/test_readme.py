"""The README shows what the commands print, and the commands in it work."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)


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


def test_readme_names_files_that_exist() -> None:
    """Every relative link in the README leads to a file."""
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links
    assert [link for link in links if not (Path(__file__).parents[2] / link).exists()] == []
