"""Where a process is held: gates at which bodies and durable writes wait, and checkpointers that have such gates.

A checkpointer is the published one, subclassed: `put_writes` and `put` wait at a gate before they begin (and so before
they take the lock of the checkpointer), or also between their INSERT and their COMMIT, with that lock in their hands.
"""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiosqlite
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from lg_world import OUTPUTS, RETURNED

__all__ = ["AsyncHeldSaver", "Gates", "HeldSaver", "async_connection", "connection"]

_writing: contextvars.ContextVar[dict[str, Any] | None] = contextvars.ContextVar("_writing", default=None)


class Gates:
    """Actors that are held, each with what is known of it, and a number by which it is let go.

    Args:
        loop: for coroutines: the event loop that runs them.
        at_commit: whether durable writes are also held between INSERT and COMMIT.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop | None, *, at_commit: bool) -> None:
        self._loop = loop
        self.at_commit = at_commit
        self._numbers = itertools.count(1)
        self._held: dict[int, tuple[dict[str, Any], Any]] = {}

    def hold(self, about: dict[str, Any]) -> None:
        """Wait here, in a thread."""
        number, event = next(self._numbers), threading.Event()
        self._held[number] = about, event
        event.wait()

    async def ahold(self, about: dict[str, Any]) -> None:
        """Wait here, in a coroutine."""
        number, future = next(self._numbers), asyncio.get_running_loop().create_future()
        self._held[number] = about, future
        await future

    def release(self, number: int) -> None:
        """Let one go; called by another thread."""
        _, waiting = self._held.pop(number)
        if isinstance(waiting, threading.Event):
            waiting.set()
        else:
            assert self._loop is not None
            self._loop.call_soon_threadsafe(waiting.set_result, None)

    def held(self) -> list[dict[str, Any]]:
        """Everybody who is held."""
        return [{"number": number, **about} for number, (about, _) in list(self._held.items())]


def _about_writes(config: Any, writes: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """The write of an action, or of a task that is no action: the start of a graph, or an entrypoint."""
    labels = [label for channel, value in writes if channel in (OUTPUTS, RETURNED) for label in value]
    kind, label = ("write", labels[0]) if len(labels) == 1 else ("bracket", "")
    return {"kind": kind, "label": label, "on": config["configurable"]["checkpoint_id"], "stage": "before"}


def _about_put(config: Any) -> dict[str, Any]:
    return {"kind": "put", "label": "", "on": config["configurable"].get("checkpoint_id"), "stage": "before"}


class _WatchedLock:
    """A lock; whoever waits for it is on the list of waiters of a condition, which can be seen."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._taken = False

    def __enter__(self) -> None:
        with self._condition:
            while self._taken:
                self._condition.wait()
            self._taken = True

    def __exit__(self, *_: object) -> None:
        with self._condition:
            self._taken = False
            self._condition.notify()

    def locked(self) -> bool:
        """Whether somebody has it."""
        return self._taken


class HeldSaver(SqliteSaver):
    """The published SqliteSaver, with gates."""

    def __init__(self, conn: sqlite3.Connection, gates: Gates) -> None:
        super().__init__(conn)
        self.lock = _WatchedLock()  # type: ignore[assignment]
        self._gates = gates
        self.setup()

    def put(self, config: Any, *rest: Any) -> Any:
        """Wait, then put."""
        return self._held(_about_put(config), super().put, config, *rest)

    def put_writes(self, config: Any, writes: Any, task_id: str, task_path: str = "") -> None:
        """Wait, then put the writes of a task."""
        self._held(_about_writes(config, writes), super().put_writes, config, writes, task_id, task_path)

    def _held(self, about: dict[str, Any], write: Any, *arguments: Any) -> Any:
        self._gates.hold(about)
        _writing.set(about)
        try:
            return write(*arguments)
        finally:
            _writing.set(None)


class AsyncHeldSaver(AsyncSqliteSaver):
    """The published AsyncSqliteSaver, with gates."""

    def __init__(self, conn: aiosqlite.Connection, gates: Gates) -> None:
        super().__init__(conn)
        self._gates = gates

    async def aput(self, config: Any, *rest: Any) -> Any:
        """Wait, then put."""
        return await self._held(_about_put(config), super().aput, config, *rest)

    async def aput_writes(self, config: Any, writes: Any, task_id: str, task_path: str = "") -> None:
        """Wait, then put the writes of a task."""
        await self._held(_about_writes(config, writes), super().aput_writes, config, writes, task_id, task_path)

    async def _held(self, about: dict[str, Any], write: Any, *arguments: Any) -> Any:
        await self._gates.ahold(about)
        _writing.set(about)
        try:
            return await write(*arguments)
        finally:
            _writing.set(None)


def connection(path: Path, gates: Gates) -> sqlite3.Connection:
    """A connection for a HeldSaver."""

    class Held(sqlite3.Connection):
        def commit(self) -> None:
            about = _writing.get()
            if gates.at_commit and about is not None:
                gates.hold({**about, "stage": "commit"})
            super().commit()

    return sqlite3.connect(path, check_same_thread=False, factory=Held)


def async_connection(path: Path, gates: Gates) -> aiosqlite.Connection:
    """A connection for an AsyncHeldSaver."""

    class Held(aiosqlite.Connection):
        async def commit(self) -> None:
            about = _writing.get()
            if gates.at_commit and about is not None:
                await gates.ahold({**about, "stage": "commit"})
            await super().commit()

    return Held(lambda: sqlite3.connect(path), 64)
