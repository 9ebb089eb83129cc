"""What came of lives, put together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ._journal import TAKEN
from ._judge import CHECKS, judge
from ._life import Life
from ._sites import KINDS

__all__ = ["Tally", "tally_of"]

# How many findings are described in full.
DESCRIBED = 12


@dataclass
class Tally:
    """Counts over lives.

    Attributes:
        lives, processes, sagas: how many there were.
        recoveries: sagas that a process took from one that was killed.
        kills: kind of site -> processes that died there.
        endings: ending -> sagas.
        counts: what must not have happened -> how often it did.
        found: the first things that were counted there, in words.
    """

    lives: int = 0
    processes: int = 0
    sagas: int = 0
    recoveries: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    endings: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    found: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """These came too."""
        self.lives += other.lives
        self.processes += other.processes
        self.sagas += other.sagas
        self.recoveries += other.recoveries
        self.kills += other.kills
        self.endings += other.endings
        self.counts += other.counts
        self.found = (self.found + other.found)[:DESCRIBED]

    @property
    def never_killed(self) -> list[str]:
        """The kinds of sites at which no process died."""
        return [kind for kind in KINDS if not self.kills[kind]]


def tally_of(life: Life) -> Tally:
    """What came of one life."""
    found = judge(life)
    killed = "; ".join(life.kills) or "nothing"
    return Tally(
        1,
        len(life.durable),
        len(life.job.sagas),
        sum(line.what == TAKEN and line.process > 1 for line in life.journal),
        Counter(life.kills),
        Counter(life.rest.endings.values()),
        Counter({name: len(found[name]) for name in CHECKS}),
        [f"life {life.job.seed}, killed at {killed}: {name}: {one}" for name in CHECKS for one in found[name]],
    )
