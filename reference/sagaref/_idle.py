"""An event loop that can be run until nothing is left to do: replay needs no sleeps and depends on no clock.

An asyncio loop asks its selector to wait only when no callback is ready. This selector does not wait then: it stops the
loop. So `run_until_idle` returns exactly when every task is held or waits for one that is.
"""

from __future__ import annotations

import asyncio
import selectors

__all__ = ["IdleLoop"]


class _Selector(selectors.SelectSelector):
    """Stops its loop instead of waiting."""

    loop: IdleLoop | None = None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if self.loop is not None and not events and timeout != 0:
            self.loop.stop()
        return events


class IdleLoop(asyncio.SelectorEventLoop):
    """A loop for code that neither does I/O nor waits for time to pass."""

    def __init__(self) -> None:
        selector = _Selector()
        super().__init__(selector)
        selector.loop = self

    def run_until_idle(self) -> None:
        """Run every callback that is ready, and those that become ready, until none is."""
        self.run_forever()
