"""Traces to force upon the reference executor: counterexamples of the checker, and seeded random walks."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache

from sagacheck import GroundSpecification, Limits, Outcome, Trace, Verdict, check
from sagacheck._engine import Successors
from sagaspec import domain

__all__ = ["ENVIRONMENT", "WEIGHTS", "counterexamples", "grounded", "settings_of", "walks"]

ENVIRONMENT = {option.name: option.default for option in domain.environment}
# Steps that are always possible would crowd out the others; those that lead to rare states are favoured.
WEIGHTS = {"crash": 0.02, "ask_status": 0.1, "end_status": 3.0, "fail": 0.5, "fail_undo": 3.0}


def settings_of(design: str) -> dict[str, str]:
    """The settings of a design by its name, as in "conforming writer=split"."""
    name, *changes = design.split()
    return dict(domain.design(name, dict(change.split("=", 1) for change in changes)).settings)


@cache
def grounded(design: str, dag: str) -> tuple[GroundSpecification, Successors]:
    """The specification of a design on a saga, and its successors."""
    ground = GroundSpecification(domain.specify(settings_of(design), ENVIRONMENT), domain.load(dag, ENVIRONMENT))
    return ground, Successors(ground)


@cache
def counterexamples(design: str, dag: str) -> tuple[Outcome, ...]:
    """The violated properties of a design on a saga, each with its shortest counterexample."""
    limits = Limits(states=400_000)
    result = check(domain.specify(settings_of(design), ENVIRONMENT), domain.load(dag, ENVIRONMENT), limits=limits)
    assert result.exploration.complete
    return tuple(o for o in result.outcomes if o.verdict is Verdict.VIOLATED)


def walks(design: str, dag: str, seeds: range, length: int) -> Iterator[Trace]:
    """A random walk for each seed; it ends after `length` steps, or soon after the saga rests.

    It also ends where the log of a node becomes no legal sequence: the specification refuses to recover that log for
    ever, and an executor that sorts events by kind may find it healed by a later one.
    """
    ground, successors = grounded(design, dag)
    for seed in seeds:
        yield _walk(ground, successors, random.Random(f"{design} {dag} {seed}"), length)


def _walk(ground: GroundSpecification, successors: Successors, rng: random.Random, length: int) -> Trace:
    states, steps = [ground.initial], []
    left = length
    while possible := successors.enabled(states[-1]):
        walking = ground.show(ground.slots["pc", None], states[-1]).startswith("WALK")  # in the middle of one section
        if left <= 0 and not walking:
            break
        names = [ground.steps[i].action.name for i in possible]
        chosen = rng.choices(possible, [WEIGHTS.get(name, 1.0) for name in names])[0]
        steps.append(ground.steps[chosen])
        states.append(successors.after(chosen, states[-1]))
        left -= 1
        if steps[-1].action.name == "read_result":
            left = min(left, 3)
        if any(ground.show(ground.slots["log", n], states[-1]) == "ILLEGAL" for n in range(ground.structure.size)):
            left = 0
    return Trace(ground, tuple(states), tuple(steps))
