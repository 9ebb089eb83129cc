"""Follows a page to the letter, in an empty directory: makes the files that it shows, runs its commands in their order.

    python tests/docs/followed.py docs/conformance.md        put what the commands print now into the page

A file stands in a fenced block under its name and a colon; where the name is followed by "from `def NAME` on", the
block takes the place of that line and all after it. Commands are indented lines above a fenced block, which holds what
the last of them prints, on standard output and then on standard error; the sentence under it may tell its exit code.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ROOT", "Shown", "files", "follow"]

ROOT = Path(__file__).resolve().parents[2]
_PART = re.compile(
    r"^`(?P<name>[\w./]+)`(?:, from `(?P<place>[^`\n]+)` on)?:\n\n```\w+\n(?P<text>.*?)^```$"
    r"|(?P<commands>(?:^    [^\n]+\n)+)\n```\n(?P<printed>.*?)^```$(?:\n\nExit code (?P<code>\d))?",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Shown:
    """What stands under commands, and what came of the last of them; `place` is where it stands in the page."""

    command: str
    printed: str
    prints: str
    code: int | None
    exits: int
    place: tuple[int, int]


def follow(page: str, where: Path) -> Iterator[Shown]:
    """Do what the page says, from its beginning, in a directory that has the tests as the root of the project has."""
    (where / "tests").symlink_to(ROOT / "tests")
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = {**os.environ, "PATH": path}
    made: dict[str, str] = {}
    for part in _PART.finditer(page):
        if part["name"]:
            _make(made, part)
            (where / part["name"]).write_text(made[part["name"]], encoding="utf-8")
            continue
        for line in (line.strip() for line in part["commands"].splitlines()):
            command = ["bash", "-c", line]
            run = subprocess.run(command, cwd=where, env=environment, capture_output=True, text=True, check=False)
        code = int(part["code"]) if part["code"] else None
        yield Shown(line, part["printed"], run.stdout + run.stderr, code, run.returncode, part.span("printed"))


def files(page: str, count: int) -> dict[str, str]:
    """The files of the page as they are after so many of its blocks that make one."""
    made: dict[str, str] = {}
    for part in [part for part in _PART.finditer(page) if part["name"]][:count]:
        _make(made, part)
    return made


def _make(made: dict[str, str], part: re.Match[str]) -> None:
    name, place, before = part["name"], part["place"], ""
    if place:
        lines = made[name].splitlines(keepends=True)
        before = "".join(lines[: next(i for i, line in enumerate(lines) if line.strip().startswith(place))])
    made[name] = before + part["text"]


def main() -> None:
    """Bring a page up to date."""
    file = Path(sys.argv[1])
    page = text = file.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as where:
        for shown in reversed(list(follow(page, Path(where)))):
            start, end = shown.place
            text = text[:start] + re.sub(r"[ \t]+$", "", shown.prints, flags=re.MULTILINE) + text[end:]
            if shown.code not in (None, shown.exits):
                sys.stderr.write(f"{shown.command} exits with {shown.exits}\n")
    file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
