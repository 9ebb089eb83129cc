"""Pause, single-step and breakpoints: a worker is held before its node starts, or starts to be undone.

What is held has recorded its start in memory and not yet in the durable log; nothing of it has run. Everybody else goes
on, and `status()` answers.
"""

from __future__ import annotations

import asyncio

__all__ = ["Breakpoints"]


class Breakpoints:
    """Where the workers of one saga are held."""

    def __init__(self) -> None:
        self._paused = False
        self._nodes: set[tuple[int, bool]] = set()
        self._held: dict[tuple[int, bool], asyncio.Future[None]] = {}
        self._changed = asyncio.Event()

    @property
    def held(self) -> tuple[tuple[int, bool], ...]:
        """(node, whether it is to be undone) of every worker that is held, in the order in which they came."""
        return tuple(key for key, future in self._held.items() if not future.done())

    async def before(self, n: int, *, undo: bool) -> None:
        """Hold the worker of n here, if it is to be held."""
        if not self._paused and (n, undo) not in self._nodes:
            return
        self._held[n, undo] = asyncio.get_running_loop().create_future()
        self._changed.set()
        try:
            await self._held[n, undo]
        finally:
            del self._held[n, undo]

    def pause(self) -> None:
        """Hold every worker that has not started its node yet."""
        self._paused = True

    def add(self, n: int, *, undo: bool) -> None:
        """Hold the worker of n."""
        self._nodes.add((n, undo))

    def remove(self, n: int, *, undo: bool) -> None:
        """Hold the worker of n no more; one that is held stays so until `step` or `go`. An unknown one is no error."""
        self._nodes.discard((n, undo))

    def step(self, n: int | None = None) -> tuple[int, bool] | None:
        """Let one held worker go: that of n, or the one that came first. Returns which; None if none is held."""
        for key in self.held:
            if n is None or key[0] == n:
                self._held[key].set_result(None)
                return key
        return None

    def go(self) -> None:
        """End the pause, and let everybody go who is held; breakpoints stay."""
        self._paused = False
        while self.step() is not None:
            pass

    async def wait_held(self) -> None:
        """Return when a worker is held; at once if one is."""
        while not self.held:
            self._changed.clear()
            await self._changed.wait()
