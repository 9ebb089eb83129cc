"""One life: processes one after the other, and what was seen between them."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass

from ._journal import KILLED, Line, read_journal
from ._places import Durable
from ._process import Job, Rest, run_process
from ._sites import AfterSeconds, Kill

__all__ = ["Life", "live"]


@dataclass(frozen=True)
class Life:
    """A life that is over.

    Attributes:
        job: what it was for.
        kills: the kind of site of each kill that there was; process n died of the nth.
        durable: what was durable after each process; the last is what it came to.
        journal: all that was done.
        rest: what the last process said.
    """

    job: Job
    kills: tuple[str, ...]
    durable: tuple[dict[str, Durable], ...]
    journal: tuple[Line, ...]
    rest: Rest


def live(job: Job, kills: Iterable[Kill]) -> Life:
    """Live: a process for each kill, as long as there is something to kill, and one that is left alone."""
    shutil.rmtree(job.home, ignore_errors=True)
    job.home.mkdir(parents=True)
    job.place.clear()
    planned: list[Kill | None] = [*kills, None]
    done: list[Kill | None] = []
    durable: list[dict[str, Durable]] = []
    rest = None
    while rest is None:
        done.append(planned[len(done)])
        rest = run_process(job, len(done), done[-1])
        durable.append(job.place.read())
    journal = tuple(read_journal(job.journal))
    names = {line.process: line.name for line in journal if line.what == KILLED}
    died = tuple(
        "parent: at a random time" if isinstance(kill, AfterSeconds) else names[number]
        for number, kill in enumerate(done[:-1], 1)
    )
    shutil.rmtree(job.home)
    return Life(job, died, tuple(durable), journal, rest)
