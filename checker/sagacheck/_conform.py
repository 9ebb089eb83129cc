"""Tests an implementation against a specification: runs the suites, and judges each requirement by what was seen.

    cover      tours that take every step of the reachable graph of the design that implementations should have
    forbidden  the counterexamples of every unsafe design: whoever can be led along one has that bug
    random     seeded walks over what the implementation offers, for one that cannot be held at every step
    given      one run that the user gives

Every reply of every run is looked at in the same way (`_play`), so a requirement can fail in any suite.
"""

from __future__ import annotations

import enum
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sagacheck._domain import Domain
from sagacheck._ground import GroundSpecification
from sagacheck._monitor import Monitor
from sagacheck._play import REFINEMENT, Arena, Failure, Play
from sagacheck._protocol import NOT_REACHED, PENDING, TAKEN, Conversation, Hello, Offer
from sagacheck._schedules import Schedule, forbidden, unsafe_designs
from sagacheck._tour import Tour

__all__ = ["CoverageOf", "Evidence", "Examiner", "Plan", "Suite", "capabilities_missing"]

_MOST_FAILING = 25  # runs of one suite on one structure; more of them would say the same again
_MOST_IDLE = 20  # runs of a tour without a new step: an implementation that is not the same twice
_LONGEST_WALK = 60  # steps
_FOLLOWED = 40  # steps after a run has left the specification

Watch = Callable[[str, int], None]


class Suite(enum.StrEnum):
    """A set of runs."""

    COVER = "cover"
    FORBIDDEN = "forbidden"
    RANDOM = "random"
    GIVEN = "given"


@dataclass(frozen=True)
class Plan:
    """What is to be run.

    Attributes:
        structures: texts that the domain loads. environment: the options of the model.
        suites: which; none: cover and forbidden, and random for an implementation that cannot be held at every step.
        requirements: which properties are asked for; none: all.
        walks: random walks on each structure. seed: of their choices.
        seconds: after so many no new run is begun, on each structure of each suite; None: no limit.
        every: whether the forbidden schedules are those of every design of the space, not only of the nearest ones.
    """

    structures: tuple[str, ...]
    environment: Mapping[str, str]
    suites: frozenset[Suite] = frozenset()
    requirements: tuple[str, ...] = ()
    walks: int = 300
    seed: int = 1
    seconds: float | None = None
    every: bool = False


@dataclass(frozen=True)
class CoverageOf:
    """How much of the graph of one structure was taken.

    Attributes:
        taken, missed, left: steps by name: taken; asked for but not come to; not asked for, since time was up.
        exact: whether a step of the graph is a step of the specification; else steps of what is known of it.
    """

    structure: str
    taken: Counter[str]
    missed: Counter[str]
    left: Counter[str]
    exact: bool

    @property
    def total(self) -> int:
        """All of them."""
        return self.taken.total() + self.missed.total() + self.left.total()


@dataclass
class Evidence:
    """What was seen, over all runs.

    Attributes:
        failures: by requirement and kind, the shortest run that showed it.
        schedules: requirement -> schedules that were tried, by how they ended: "led" along it to the violation; "not
            led", since it refused a step, or without the violation; "refused" by an implementation that cannot be held
            at every step, which says little; "not reached"; "not supported".
        runs: suite -> runs. steps: in all of them, by name. unsupported: structure -> why.
        stopped: why less was run than asked for, in words.
    """

    failures: dict[tuple[str, str], Failure] = field(default_factory=dict)
    schedules: dict[str, Counter[str]] = field(default_factory=dict)
    coverage: list[CoverageOf] = field(default_factory=list)
    runs: Counter[Suite] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)
    unsupported: dict[str, str] = field(default_factory=dict)
    stopped: list[str] = field(default_factory=list)

    def add(self, failures: Iterable[Failure]) -> None:
        """Keep the shortest of each kind."""
        for failure in failures:
            key = failure.requirement, failure.kind
            if key not in self.failures or len(failure.steps) < len(self.failures[key].steps):
                self.failures[key] = failure


def capabilities_missing(domain: Domain, hello: Hello) -> list[str]:
    """The capabilities that the domain knows and the implementation does not declare."""
    assert domain.conformance is not None
    return [c.name for c in domain.conformance.capabilities if c.name not in hello.capabilities]


class Examiner:
    """Runs suites. Every method raises ImplementationError when the implementation fails or replies nonsense."""

    def __init__(self, domain: Domain, conversation: Conversation, hello: Hello, plan: Plan, watch: Watch) -> None:
        self.domain = domain
        self._conversation = conversation
        self.hello = hello
        self._plan = plan
        self._watch = watch
        self.evidence = Evidence()
        self._arenas: dict[str, Arena] = {}
        self._last: Play | None = None
        self._internal: frozenset[Offer] = frozenset()  # what happens on its own on the structure that is tested now
        assert domain.conformance is not None
        missing = capabilities_missing(domain, hello)
        self._conformance = domain.conformance
        self.barred = frozenset(s for c in domain.conformance.capabilities if c.name in missing for s in c.steps)

    def run(self) -> None:
        """Run the suites of the plan, and make the runs that show a failure as short as they can be."""
        self._suites()
        for key, failure in self.evidence.failures.items():
            self._watch(f"making the run for {key[0]} shorter", self.evidence.runs.total())
            self.evidence.failures[key] = self.shrink(failure)

    def _suites(self) -> None:
        for structure in self._plan.structures:
            arena = self.arena(structure)
            first = self.play(arena)
            self._internal = first.reply.internal
            if first.unsupported:
                self.evidence.unsupported[structure] = first.unsupported
                continue
            suites = self._plan.suites or self._usual(first)
            if Suite.FORBIDDEN in suites:
                self.forbidden(arena)
            if Suite.COVER in suites:
                self.cover(arena)
            if Suite.RANDOM in suites:
                self.walk(arena)

    @staticmethod
    def _usual(play: Play) -> frozenset[Suite]:
        usual = {Suite.COVER, Suite.FORBIDDEN}
        return frozenset(usual if play.beliefs.exact else usual | {Suite.RANDOM})

    def arena(self, structure: str) -> Arena:
        """The arena of a structure; made once."""
        found = self._arenas.get(structure)
        if found is None:
            domain, environment = self.domain, dict(self._plan.environment)
            loaded = domain.load(structure, environment)

            def ground(design: str) -> GroundSpecification:
                return GroundSpecification(domain.specify(domain.design(design).settings, environment), loaded)

            monitor = Monitor(ground(self._conformance.reading), self._conformance.unseen)
            found = self._arenas[structure] = Arena(
                structure, environment, ground(domain.default), monitor, self._conformance, self.barred
            )
        return found

    @property
    def structures(self) -> tuple[str, ...]:
        """Those of the plan."""
        return self._plan.structures

    @property
    def environment(self) -> Mapping[str, str]:
        """That of the plan."""
        return self._plan.environment

    def monitors(self) -> tuple[Monitor, ...]:
        """The monitors of every structure that was tested on."""
        return tuple(arena.monitor for arena in self._arenas.values())

    def variables(self) -> frozenset[str]:
        """The variables that an implementation could show."""
        design = self.domain.design(self._conformance.reading)
        specification = self.domain.specify(design.settings, dict(self._plan.environment))
        return frozenset(v.name for v in specification.variables)

    def play(self, arena: Arena) -> Play:
        """Begin a run."""
        self._last = None
        self._last = Play(arena, self._conversation, self.hello)
        return self._last

    def _ended(self, suite: Suite, play: Play) -> None:
        self.evidence.runs[suite] += 1
        self.evidence.steps.update(offer.step for offer in play.taken)
        self.evidence.add(play.failures)

    # The suites -------------------------------------------------------------------------------------------------------

    def forbidden(self, arena: Arena) -> None:
        """Try every forbidden schedule."""
        structure, environment = arena.ground.structure, dict(self._plan.environment)
        began, tried = time.monotonic(), set[tuple[str, tuple[Offer, ...]]]()
        for design in unsafe_designs(self.domain, every=self._plan.every):
            if self._late(began):
                self.evidence.stopped.append(f"forbidden on {arena.name} was ended before {design.name}")
                return
            self._watch(f"forbidden {arena.name}: {design.name}", self.evidence.runs.total())
            schedules, missing = forbidden(self.domain, design, structure, environment, self._plan.requirements)
            if missing:
                self.evidence.stopped.append(f"not every schedule of {design.name} on {arena.name} was made: {missing}")
            for schedule in schedules:
                if (schedule.requirement, schedule.steps) in tried:  # as in another design
                    continue
                tried.add((schedule.requirement, schedule.steps))
                ended = self._led(arena, schedule)
                self.evidence.schedules.setdefault(schedule.requirement, Counter())[ended] += 1

    def _led(self, arena: Arena, schedule: Schedule) -> str:
        """How it ended to lead the implementation along a schedule."""
        if any(o.step in self.barred for o in schedule.steps):
            return "not supported"
        endings = set()
        for steps in schedule.variants(self.hello, self._internal):
            play = self.play(arena)
            outcome = TAKEN
            for offer in steps:
                outcome = play.take(offer) if offer.step in self.hello.steps else ""
                if outcome not in (TAKEN, PENDING) or schedule.requirement in (f.requirement for f in play.failures):
                    break
            self._ended(Suite.FORBIDDEN, play)
            if any(f.requirement == schedule.requirement for f in play.failures):
                return "led"
            endings.add(outcome)
        if TAKEN in endings or PENDING in endings or (play.beliefs.exact and endings != {NOT_REACHED}):
            return "not led"
        return "not reached" if endings == {NOT_REACHED} else "refused"

    def cover(self, arena: Arena) -> None:
        """Take every step of the graph."""
        tour = Tour(self.play(arena).beliefs)
        began, failing, idle, runs = time.monotonic(), 0, 0, 0
        while failing < _MOST_FAILING and idle < _MOST_IDLE and not self._late(began):
            known = tour.taken.total() + tour.missed.total()
            play = self.play(arena)
            self._tour(play, tour)
            if play.failures:
                self._follow(play, random.Random(f"{arena.name} {runs}"))
            self._ended(Suite.COVER, play)
            failing += bool(play.failures)
            runs += 1
            idle = 0 if tour.taken.total() + tour.missed.total() > known else idle + 1
            self._watch(f"cover {arena.name}: {tour.taken.total()} steps of the graph", self.evidence.runs.total())
            if not play.taken and not play.failures:
                break
        else:
            late = f"after {self._plan.seconds:g} s" if self._plan.seconds else ""
            idly = f"after {idle} runs in which nothing was new" if idle else late
            why = f"after {failing} failing runs" if failing >= _MOST_FAILING else idly
            self.evidence.stopped.append(f"cover on {arena.name} was ended {why}")
        coverage = CoverageOf(arena.name, tour.taken, tour.missed, tour.left(), tour.exact)
        self.evidence.coverage.append(coverage)

    def _follow(self, play: Play, rng: random.Random) -> None:
        """Go on with a run that nothing explains any more, to see what that leads to."""
        for _ in range(_FOLLOWED):
            if any(f.requirement != REFINEMENT for f in play.failures):
                return
            offer = self._chosen(play, rng)
            if offer is None or play.take(offer) not in (TAKEN, PENDING):
                return

    @staticmethod
    def _tour(play: Play, tour: Tour) -> None:
        while not play.failures and (offer := tour.next(play.belief, len(play.taken))):
            belief = play.belief
            outcome = play.take(offer)
            if outcome == PENDING or (outcome != TAKEN and play.failures):
                tour.withdraw(offer.step)
            elif outcome != TAKEN or play.failures:
                tour.miss(belief, offer)
            else:
                tour.took(belief, offer, play.belief)
            if outcome not in (TAKEN, PENDING):
                return

    def walk(self, arena: Arena) -> None:
        """Walk over what is offered, with choices that a seed determines."""
        began, failing = time.monotonic(), 0
        for number in range(self._plan.walks):
            if self._late(began) or failing >= _MOST_FAILING * 4:
                self.evidence.stopped.append(f"random on {arena.name} was ended after {number} walks")
                return
            rng = random.Random(f"{self._plan.seed} {arena.name} {number}")
            play = self.play(arena)
            while len(play.taken) < _LONGEST_WALK:  # also after a failure: more may be seen that says what is wrong
                offer = self._chosen(play, rng)
                if offer is None or play.take(offer) not in (TAKEN, PENDING):
                    break
            self._ended(Suite.RANDOM, play)
            failing += bool(play.failures)
            self._watch(f"random {arena.name}: walk {number + 1} of {self._plan.walks}", self.evidence.runs.total())

    def _chosen(self, play: Play, rng: random.Random) -> Offer | None:
        offers = sorted(set(play.offers), key=str)
        waiting = {o.step for o in (*offers, *play.pending)}
        possible = play.beliefs.possible(play.belief)
        offers += sorted((o for o in possible if o.step in self.hello.waits - waiting), key=str)
        if not offers:
            return None
        return rng.choices(offers, [self._conformance.weights.get(o.step, 1.0) for o in offers])[0]

    def _late(self, began: float) -> bool:
        return self._plan.seconds is not None and time.monotonic() - began > self._plan.seconds

    # One run again ----------------------------------------------------------------------------------------------------

    def once(self, structure: str, steps: Sequence[Offer]) -> Play:
        """Ask for these steps, up to one that is not taken."""
        play = self.play(self.arena(structure))
        for offer in steps:
            if play.unsupported or play.take(offer) not in (TAKEN, PENDING):
                break
        if play.unsupported:
            self.evidence.unsupported[structure] = play.unsupported
        self._ended(Suite.GIVEN, play)
        return play

    def where(self) -> str:
        """The run that was going on, for somebody who wants to see it again."""
        if self._last is None:
            return ""
        steps = "; ".join(map(str, self._last.taken)) or "none yet"
        return f"(on {self._last.arena.name}, after the steps: {steps})"

    def shrink(self, failure: Failure) -> Failure:
        """A run with fewer steps that fails in the same way; without any step of it, it does not."""
        best, size = failure, max(1, len(failure.steps) // 2)
        while size:
            at = 0
            while at < len(best.steps):
                play = self.play(self.arena(best.structure))
                for offer in best.steps[:at] + best.steps[at + size :]:
                    if offer in play.reply.offers or offer.step in self.hello.waits:
                        play.take(offer)
                same = [f for f in play.failures if (f.requirement, f.kind) == (failure.requirement, failure.kind)]
                if same and len(same[0].steps) < len(best.steps):
                    best = same[0]
                else:
                    at += size
            size //= 2
        return best
