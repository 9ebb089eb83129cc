"""Which lives are lived.

First each saga lives alone and is left alone, which says what sites it has. Then, for sites of every kind, there is a
life whose first process dies there; those after it, if they are to, die at a site that comes as it comes. Further lives
are killed by the parent, at random times.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median
from typing import TypeAlias

from ._fleet import Lived, Planned, live_all
from ._places import Place
from ._sagas import SCENARIOS, Scenario
from ._sites import AfterSeconds, AtNth, AtSite, Kill
from ._tally import Tally
from ._variants import Variant

__all__ = ["Plan", "run"]

# Lives in each round that are killed at random times.
RANDOM_LIVES = 12
# The most kills in one life.
MOST_KILLS = 5
# How often a kind of site is tried at which no process died.
ATTEMPTS = 4
# A process that is killed as it comes dies at one of so many sites.
SOON = 60

# The sagas of a life, and its kills.
Draft: TypeAlias = tuple[tuple[Scenario, ...], tuple[Kill, ...]]


@dataclass(frozen=True)
class Plan:
    """How much is lived.

    Attributes:
        rounds: how often a process dies at a site of each kind.
        every: and at every site of every saga, once.
        seed: of all that is random.
        until_shown: no life begins after one that shows what the variant is to show.
    """

    rounds: int
    every: bool
    seed: int
    until_shown: bool = False


def run(plan: Plan, variant: Variant, places: Sequence[Place]) -> Tally:
    """Live all lives, as many side by side as there are places. Raises as `live_all` does."""
    total = Tally()
    with tempfile.TemporaryDirectory(prefix="crashes-") as home:
        alone = [Planned(_sagas(scenario), (), f"{plan.seed}, {scenario.name} alone") for scenario in SCENARIOS]
        # In one place, so that they come back in order.
        found = list(live_all(alone, variant, places[:1], Path(home)))
        for lived in found:
            total.add(lived.tally)
        random = Random(plan.seed)
        sites = _by_kind(found)
        lives = _choose(plan, sites, median(lived.seconds for lived in found), random)
        for attempt in range(ATTEMPTS if plan.rounds else 1):
            planned = _planned(f"{plan.seed}.{attempt}", lives, random)
            for lived in live_all(planned, variant, places, Path(home), until_shown=plan.until_shown):
                total.add(lived.tally)
            # Whether a process comes to a certain site is also a matter of time.
            lives = [_at_kind(sites[kind], random) for kind in sites if not total.kills[kind]]
            if not lives or plan.until_shown:
                break
    return total


def _sagas(*scenarios: Scenario) -> dict[str, Scenario]:
    return {f"{number} {scenario.name}": scenario for number, scenario in enumerate(scenarios, 1)}


def _by_kind(alone: Sequence[Lived]) -> dict[str, dict[Scenario, list[Kill]]]:
    """Kind of site -> scenarios that have such sites -> the kills there."""
    found: dict[str, dict[Scenario, list[Kill]]] = {}
    for scenario, lived in zip(SCENARIOS, alone, strict=True):
        for site in lived.sites:
            found.setdefault(site.kind, {}).setdefault(scenario, []).append(AtSite(site))
    return found


def _at_kind(sites: dict[Scenario, list[Kill]], random: Random) -> Draft:
    scenario = random.choice(list(sites))
    return (scenario,), (random.choice(sites[scenario]),)


def _choose(plan: Plan, sites: dict[str, dict[Scenario, list[Kill]]], seconds: float, random: Random) -> list[Draft]:
    lives: list[Draft] = []
    if plan.every:
        lives += (
            ((scenario,), (kill,)) for of_kind in sites.values() for scenario in of_kind for kill in of_kind[scenario]
        )
    for _ in range(plan.rounds):
        lives += (_at_kind(of_kind, random) for of_kind in sites.values())
        for _ in range(RANDOM_LIVES):
            killed = [AfterSeconds(random.uniform(0, 1.5 * seconds)) for _ in range(random.randint(1, MOST_KILLS))]
            lives.append((tuple(random.choices(SCENARIOS, k=3)), tuple(killed)))
    random.shuffle(lives)
    return lives


def _planned(seed: str, lives: Sequence[Draft], random: Random) -> list[Planned]:
    """The lives, some with another saga beside the first, some with more kills."""
    planned = []
    for number, (scenarios, kills) in enumerate(lives):
        if len(scenarios) == 1 and random.random() < 0.3:
            scenarios = (*scenarios, random.choice(SCENARIOS))
        while len(kills) < MOST_KILLS and random.random() < 0.5:
            kills = (*kills, AtNth(random.randint(1, SOON)))
        planned.append(Planned(_sagas(*scenarios), kills, f"{seed}.{number}"))
    return planned
