"""What a page shows beside what prints it: Python blocks, and commands of sagacheck, each with its output under it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

__all__ = ["ROOT", "commands", "python_blocks", "run_command"]

ROOT = Path(__file__).resolve().parents[2]


def python_blocks(page: str) -> list[tuple[str, str]]:
    """Every Python block, and what it prints, or ""."""
    return re.findall(r"^```python\n(.*?)^```\n(?:\n```\n(.*?)^```\n)?", page, flags=re.DOTALL | re.MULTILINE)


def commands(page: str) -> list[tuple[list[str], str]]:
    """The indented commands of sagacheck that stand above an output, and what the last of them prints of it."""
    found = re.findall(r"((?:^    [^\n]*sagacheck [^\n]*\n)+)\n```\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE)
    return [([line.strip() for line in lines.splitlines()], printed) for lines, printed in found]


def run_command(line: str, where: Path) -> str:
    """What a command prints in a shell, in a directory that has the tests as the root of the project has."""
    if not (where / "tests").exists():
        (where / "tests").symlink_to(ROOT / "tests")
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = {**os.environ, "PATH": path}
    run = subprocess.run(["bash", "-c", line], cwd=where, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode in (0, 1), run.stderr
    return run.stdout
