"""The places where a process kills itself: injection points, before and after calls of the store, within actions."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import NoReturn, TypeAlias

from sagaref import POINTS, CachedState, Event, Point

from ._journal import KILLED, Journal

__all__ = ["KINDS", "AfterSeconds", "AtNth", "AtSite", "Kill", "Site", "Sites"]

_CALLS = (
    "create",
    "take",
    *(f"append {event.value}" for event in Event),
    *(f"update {state.value}" for state in (CachedState.UNWINDING, CachedState.DONE)),
)

# The points before writes; in half of the processes the writes of one kind are slow by so many seconds.
_WRITES = tuple(point for point in POINTS if point.endswith("_lands"))
_SLOW = 0.03

# Every kind of site, and the parent's kills at random times; each must be met.
KINDS = (
    *(f"point: {point}" for point in POINTS),
    *(f"store: {when} {call}" for call in _CALLS for when in ("before", "after")),
    "action: before its effect",
    "action: after its effect",
    "action: before it returns",
    "action: before its own removal",
    "action: after its own removal",
    "action: before the undo action's removal",
    "action: after the undo action's removal",
    "parent: at a random time",
)


@dataclass(frozen=True)
class Site:
    """The nth time (from 1 on) that a process comes to a place of this kind, for this saga and node (-1: for none)."""

    kind: str
    saga: str
    node: int
    nth: int


@dataclass(frozen=True)
class AtSite:
    """The process kills itself at this site."""

    site: Site


@dataclass(frozen=True)
class AtNth:
    """The process kills itself at the nth site that it comes to, whichever that is."""

    nth: int


@dataclass(frozen=True)
class AfterSeconds:
    """The parent kills the process after this time."""

    seconds: float


Kill: TypeAlias = AtSite | AtNth | AfterSeconds


class Sites:
    """The sites that a process came to.

    Attributes:
        reached: in order.
    """

    def __init__(self, kill: Kill | None, journal: Journal, random: Random) -> None:
        self.reached: list[Site] = []
        self._kill = kill
        self._journal = journal
        self._random = random
        self._count: Counter[tuple[str, str, int]] = Counter()
        self._slow = random.choice(_WRITES) if random.random() < 0.5 else ""

    def reach(self, kind: str, saga: str, node: int = -1) -> None:
        """The process is at a place; it may not come back from it."""
        self._count[kind, saga, node] += 1
        site = Site(kind, saga, node, self._count[kind, saga, node])
        self.reached.append(site)
        if self._kill == AtSite(site) or self._kill == AtNth(len(self.reached)):
            self._die(kind)

    def _die(self, kind: str) -> NoReturn:
        self._journal.write(KILLED, name=kind)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("SIGKILL did not kill")

    async def hook(self, point: Point) -> None:
        """The hook of the executor; others may go first."""
        if point.step == self._slow:
            await asyncio.sleep(_SLOW)
        for _ in range(self._random.randrange(3)):
            await asyncio.sleep(0)
        self.reach(f"point: {point.step}", point.saga_id, -1 if point.node is None else point.node)
