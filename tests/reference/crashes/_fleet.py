"""Lives side by side: a process for each place, forked from this one, which lives one life after the other there."""

from __future__ import annotations

import os
import pickle
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from ._life import live
from ._places import Place
from ._process import Job
from ._sagas import Scenario
from ._sites import Kill, Site
from ._tally import Tally, tally_of
from ._variants import Variant

__all__ = ["Lived", "Planned", "live_all"]


@dataclass(frozen=True)
class Planned:
    """A life to be lived.

    Attributes:
        sagas: by id; the kills name sites of the first.
        kills: one for each process but the last.
        seed: of all else that is random.
    """

    sagas: Mapping[str, Scenario]
    kills: tuple[Kill, ...]
    seed: str


@dataclass(frozen=True)
class Lived:
    """What came of it, and what its last process said."""

    tally: Tally
    sites: list[Site]
    seconds: float


def live_all(
    planned: Sequence[Planned], variant: Variant, places: Sequence[Place], home: Path, *, until_shown: bool = False
) -> Iterator[Lived]:
    """Live all lives.

    Args:
        planned: the lives.
        variant: the executor.
        places: as many are lived side by side.
        home: an empty directory.
        until_shown: begin no life after one that shows what the variant is to show.

    Raises:
        RuntimeError: a process failed; its traceback is on standard error.
    """
    shown = home / "shown" if until_shown else None
    workers: dict[int, Path] = {}
    for number, place in enumerate(places):
        file = home / f"lived-{number}"
        pid = os.fork()
        if not pid:
            _be_the_worker(planned[number :: len(places)], variant, place, home / str(number), file, shown)
        workers[pid] = file
    failed = [pid for pid in workers if os.waitpid(pid, 0)[1]]
    if failed:
        raise RuntimeError("a process failed; see its traceback")
    for file in workers.values():
        lived: list[Lived] = pickle.loads(file.read_bytes())
        yield from lived
        file.unlink()


def _be_the_worker(
    planned: Sequence[Planned], variant: Variant, place: Place, home: Path, file: Path, shown: Path | None
) -> NoReturn:
    code = 1
    try:
        lived: list[Lived] = []
        for one in planned:
            if shown and shown.exists():
                break
            life = live(Job(home, place, variant, one.sagas, one.seed), one.kills)
            lived.append(Lived(tally_of(life), life.rest.sites, life.rest.seconds))
            if shown and lived[-1].tally.counts[variant.shows]:
                shown.touch()
        file.write_bytes(pickle.dumps(lived))
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)
