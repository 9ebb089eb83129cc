"""Whether a process is quiet: whether nothing more can happen in it until somebody lets one of its threads go on.

A thread is idle when it waits for something that only another thread can give: a condition of which it is still on the
list of waiters, a queue that is empty, an event loop with nothing to do. When all threads are idle at once, none of
them ever goes on by itself, so there is no time limit in this: a process that works slowly is not quiet. What is
looked at is the innermost frame of each thread; a thread that is in SQLite, say, has none of these, and is at work.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import sys
import threading
import time
from collections.abc import Collection
from types import CodeType, FrameType
from typing import Any

__all__ = ["wait_until_quiet"]

_PAUSE = 0.0005  # seconds between two looks; the interpreter's lock is free meanwhile, so whoever can go on does
_LOOKS = 2  # in succession, that find all threads idle


def wait_until_quiet(watchers: Collection[int], loop: asyncio.AbstractEventLoop | None) -> None:
    """Wait until every thread is idle, but for the watchers, which are identities of threads.

    Args:
        watchers: threads that are not looked at.
        loop: the event loop that one of the threads runs, if there is one.
    """
    found = 0
    while found < _LOOKS:
        time.sleep(_PAUSE)
        found = found + 1 if _all_idle(watchers, loop) else 0


def _all_idle(watchers: Collection[int], loop: asyncio.AbstractEventLoop | None) -> bool:
    frames = sys._current_frames()
    if any(thread.ident not in frames for thread in threading.enumerate()):  # it is being started
        return False
    return all(ident in watchers or _idle(frame, loop) for ident, frame in frames.items())


def _idle(frame: FrameType, loop: asyncio.AbstractEventLoop | None) -> bool:
    code = frame.f_code
    names: Any = frame.f_locals
    where = code.co_filename.replace("\\", "/")
    if where == threading.__file__ and code.co_name == "wait":
        return names.get("waiter") in getattr(names["self"], "_waiters", ())
    if where.endswith("concurrent/futures/thread.py") and code.co_name == "_worker":
        return frame.f_lineno == _line_of(code, "work_queue.get(block=True)") and names["work_queue"].qsize() == 0
    if where.endswith("aiosqlite/core.py") and code.co_name == "_connection_worker_thread":
        return frame.f_lineno == _line_of(code, "tx.get()") and names["tx"].qsize() == 0
    if where.endswith("selectors.py") and code.co_name == "select":
        return loop is not None and _loop_idle(loop)
    return False


@functools.cache
def _line_of(code: CodeType, text: str) -> int:
    """The line of a function on which it waits; on the others it may be in C code, which has no frame of its own."""
    lines, first = inspect.getsourcelines(code)
    return next(first + n for n, line in enumerate(lines) if text in line)


def _loop_idle(loop: Any) -> bool:
    """Whether the event loop has nothing to run, and no timer that will give it something."""
    return not loop._ready and not loop._scheduled
