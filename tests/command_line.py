"""What tests of the command line share: running it here or as a process, and what a refusal looks like."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

TESTS = Path(__file__).parent
MUTEX = "--spec=mutex:domain"
ODD = "--spec=oddities:domain"
BROKEN = [MUTEX, "check", "--design", "look-then-take"]

Run = Callable[..., tuple[int, str, str]]


@contextlib.contextmanager
def interrupting(what: str) -> Iterator[Callable[[int, int, int], None]]:  # noqa: ARG001
    """A progress display at which the user presses Ctrl-C as soon as anything is shown."""

    def show(states: int, frontier: int, depth: int) -> None:  # noqa: ARG001
        raise KeyboardInterrupt

    yield show


def process(*arguments: str, stdout: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    """The command line as a process of its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(TESTS)])}
    command = [sys.executable, "-m", "sagacheck", *arguments]
    return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, env=environment, check=False)


def refused(result: tuple[int, str, str], *words: str) -> None:
    """Bad input: exit code 2, nothing on standard output, one sentence with these words on standard error."""
    code, out, err = result
    assert (code, out) == (2, "")
    assert err.startswith("sagacheck: ")
    assert err.count("\n") == 1
    for word in words:
        assert word in err
