"""Progress on a terminal: one line on standard error, in the same `key=value` fields as the report; none in a pipe."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

__all__ = ["Progress", "counting", "progress"]

Progress = Callable[[int, int, int], None]


@contextlib.contextmanager
def progress(what: str) -> Iterator[Progress | None]:
    """Show how far a search is: what it is given is called with (states, states still to be expanded, depth)."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console

    console = Console(stderr=True, markup=False, highlight=False)
    start = time.monotonic()
    with console.status(what) as status:

        def show(states: int, frontier: int, depth: int) -> None:
            speed = states / max(time.monotonic() - start, 1e-3)
            status.update(f"{what}  states={states} frontier={frontier} depth={depth} states_per_second={speed:.0f}")

        yield show


@contextlib.contextmanager
def counting(what: str) -> Iterator[Callable[[str, int], None]]:
    """Show how far a test is: what it is given is called with (what is being done, runs so far)."""
    if not sys.stderr.isatty():
        yield lambda _doing, _runs: None
        return
    from rich.console import Console

    console = Console(stderr=True, markup=False, highlight=False)
    start = time.monotonic()
    with console.status(what) as status:

        def show(doing: str, runs: int) -> None:
            status.update(f"{what}  {doing}  runs={runs} seconds={time.monotonic() - start:.0f}")

        yield show
