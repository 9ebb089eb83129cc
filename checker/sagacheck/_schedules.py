"""The forbidden schedules: for every unsafe design of the space, the shortest counterexample to each property.

An implementation that can be led along one of them has that bug. What it does on its own is left out of a schedule;
where something that waits (a query, say) comes after a step, there is a variant that asks for it before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sagacheck._check import check
from sagacheck._domain import Design, Domain
from sagacheck._explore import INTERRUPTED, Limits
from sagacheck._protocol import Hello, Offer
from sagacheck._specification import Kind
from sagacheck._structure import Structure
from sagacheck._verdict import Verdict

__all__ = ["Schedule", "forbidden", "unsafe_designs"]

_LIMITS = Limits(400_000, 60.0)


@dataclass(frozen=True)
class Schedule:
    """Steps to ask for, one after the other.

    Attributes:
        requirement: the property that is violated at their end in the design. design: its name.
        steps: every step of the counterexample of one element or none, those that happen on their own included.
    """

    requirement: str
    design: str
    steps: tuple[Offer, ...]

    def variants(self, hello: Hello, internal: frozenset[Offer]) -> Iterator[tuple[Offer, ...]]:
        """What to ask of an implementation; at a step that it does not have, the schedule is refused."""
        asked = [o for o in self.steps if o.step not in hello.internal and o not in internal]
        yield tuple(asked)
        for i, offer in enumerate(asked):
            if i and offer.step in hello.waits and hello.internal:
                yield (*asked[: i - 1], offer, asked[i - 1], *asked[i + 1 :])


def unsafe_designs(domain: Domain, *, every: bool = False) -> Sequence[Design]:
    """The named designs, and those one axis away from the default one, or every one; without the default one itself."""
    own = domain.design(domain.default)
    designs = (*domain.designs, *(domain.combinations() if every else domain.deviations()))
    by_settings = {tuple(d.settings.items()): d for d in reversed(designs) if d.settings != own.settings}
    return list(by_settings.values())[::-1]


def forbidden(
    domain: Domain, design: Design, structure: Structure, environment: dict[str, str], wanted: Sequence[str]
) -> tuple[list[Schedule], str]:
    """The schedules of one design on one structure, for the wanted properties (none: all).

    Returns:
        The schedules, and why there may be more of them, or "".

    Raises:
        InputError: the structure does not fit.
        KeyboardInterrupt: Ctrl-C ended the search.
    """
    specification = domain.specify(design.settings, environment)
    names = [p.name for p in specification.properties if p.kind is Kind.ALWAYS and (not wanted or p.name in wanted)]
    if not names:
        return [], ""
    result = check(specification, structure, properties=names, limits=_LIMITS)
    if result.exploration.stopped == INTERRUPTED:
        raise KeyboardInterrupt
    found = []
    for outcome in result.outcomes:
        if outcome.verdict is Verdict.VIOLATED and outcome.trace is not None:
            labels = structure.labels
            steps = tuple(
                Offer(s.action.name, labels[s.elements[0]] if s.elements else None)
                for s in outcome.trace.steps
                if len(s.elements) < 2  # those of two are within another one
            )
            found.append(Schedule(outcome.property.name, design.name, steps))
    return found, result.exploration.stopped if result.verdict is Verdict.UNDETERMINED else ""
