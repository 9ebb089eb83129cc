"""One run of an implementation under test: what is asked of it, what is seen, and what that says.

After every reply a monitor looks for properties that are violated by what is shown, and the belief, the set of states
of the specification that explain all that was seen, is narrowed. The run goes on for as long as its user likes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sagacheck._beliefs import Beliefs
from sagacheck._conformance import Conformance
from sagacheck._ground import GroundSpecification
from sagacheck._itf import values_of
from sagacheck._monitor import Monitor
from sagacheck._protocol import NOT_REACHED, NOT_SUPPORTED, PENDING, REFUSED, TAKEN, Conversation, Hello, Offer, Reply
from sagacheck._shown import Knowledge, Reader

__all__ = ["REFINEMENT", "Arena", "Difference", "Failure", "Play"]

REFINEMENT = "Refinement"  # the requirement that whatever the implementation does the specification allows


@dataclass(frozen=True)
class Difference:
    """A variable of which the specification and the implementation say different things.

    Attributes:
        variable: its name. element: its label, or "".
        allowed: what it may be, as far as it is explained. shown: what the implementation shows.
    """

    variable: str
    element: str
    allowed: str
    shown: str


@dataclass(frozen=True)
class Failure:
    """A requirement that a run has shown to be violated.

    Attributes:
        requirement: its name. wrong: what is wrong, in words; kind: the same for any element.
        structure: on what; steps: what was asked for and taken, or waits, to the end of the run.
        differences: of a run that nothing explains.
    """

    requirement: str
    wrong: str
    kind: str
    structure: str
    steps: tuple[Offer, ...]
    differences: tuple[Difference, ...] = ()


@dataclass
class Arena:
    """What is made once for a structure: the specification on it, its monitors, and beliefs.

    Attributes:
        name: the structure as the user names it. environment: the options of the model.
        ground: the specification of the design that implementations should have.
        monitor: of the design whose properties are evaluated.
    """

    name: str
    environment: Mapping[str, str]
    ground: GroundSpecification
    monitor: Monitor
    conformance: Conformance
    barred: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.reader = Reader(self.ground)
        self._beliefs: dict[frozenset[Offer], Beliefs] = {}

    def beliefs(self, hello: Hello, internal: frozenset[Offer]) -> Beliefs:
        """How beliefs change; the same object for the same steps that happen on their own."""
        if internal not in self._beliefs:
            self._beliefs[internal] = Beliefs(self.ground, hello, internal, self.barred)
        return self._beliefs[internal]


class Play:
    """A run on one arena. `failures` are what it has shown; after a first one only the user may know how to go on.

    Attributes:
        unsupported: "" or why the implementation cannot have this structure.
        reply: the last one. belief: the states that explain all that was seen.
        pending: the steps that were asked for and wait. taken: the steps so far.
    """

    def __init__(self, arena: Arena, conversation: Conversation, hello: Hello) -> None:
        self.arena = arena
        self._conversation = conversation
        self._hello = hello
        self.taken: list[Offer] = []
        self.pending: frozenset[Offer] = frozenset()
        self.failures: list[Failure] = []
        self.reply: Reply = conversation.load(arena.ground.structure, arena.environment)
        self.unsupported = "" if self.reply.outcome != NOT_SUPPORTED else self.reply.reason or "it says no reason"
        self.beliefs = arena.beliefs(hello, self.reply.internal)
        self.belief = self.beliefs.initial
        if not self.unsupported:
            self._see("in the beginning")

    @property
    def offers(self) -> tuple[Offer, ...]:
        """What is on offer, but for what needs a capability that is missing."""
        barred = self.arena.barred
        return tuple(o for o in self.reply.offers if o.step not in barred and o.step in self._hello.steps)

    def take(self, offer: Offer) -> str:
        """Ask for a step; its outcome."""
        demand = self.arena.conformance.demands.get(offer.step)
        states = self.beliefs.possible(self.belief).get(offer, 0)
        everywhere = bool(self.belief) and states == len(self.belief)
        self.reply = self._conversation.step(offer.step, offer.element)
        outcome = self.reply.outcome
        if outcome == REFUSED:
            self._demand(demand, everywhere, offer)
            return outcome
        before = self.belief
        if outcome != NOT_REACHED:
            self.taken.append(offer)
        if outcome == PENDING:
            self.pending |= {offer}
            self.belief = self.beliefs.waiting(before, self.pending)
        else:
            if offer.step == self.arena.conformance.crash:
                self.pending = frozenset()
            self.belief = self.beliefs.after(before, offer, self.pending)
            if outcome == NOT_REACHED:  # somebody was let go, and is somewhere
                self.belief |= before
        self._see(f"after step {len(self.taken)}, {offer},", offer)
        self.pending -= frozenset(self.reply.offers)
        if outcome != TAKEN:
            self._demand(demand, everywhere, offer)
        return outcome

    def _demand(self, demand: str | None, everywhere: bool, offer: Offer) -> None:
        if demand and everywhere:
            said = f"{offer.step} has no answer, though the specification has one there"
            self._fail(demand, said, said)

    def _see(self, after: str, offer: Offer | None = None) -> None:
        """Look at what is shown: narrow the belief, and ask the monitors."""
        state, monitor = self.reply.state, self.arena.monitor
        read = monitor.reader.read(state, after)
        if offer is not None:
            monitor.masks.add(read.mask)
        for breach in monitor.breaches(read):
            self._fail(breach.property, breach.wrong, breach.kind)
        self._explain(self.arena.reader.read(state, after), offer)
        stands_still = not self.pending and not self.beliefs.goes_on(self.offers)
        allowed = self.beliefs.may_stand_still(self.belief) if self.belief else monitor.may_end(read)
        if stands_still and not allowed:
            conformance = self.arena.conformance
            crashed = any(o.step == conformance.crash for o in self.taken)
            name = conformance.after_crash if crashed else conformance.standstill
            said = "nothing more can happen, and the specification does not let it end there"
            self._fail(name, said, said)

    def _explain(self, known: Knowledge, offer: Offer | None) -> None:
        """Narrow the belief; the first time that nothing is left of it, Refinement fails."""
        before, self.belief = self.belief, self.beliefs.seen(self.belief, known)
        if self.belief or any(f.requirement == REFINEMENT for f in self.failures):
            return
        if before:
            said, kind = "what is shown is not what the specification has there", "a state that nothing explains"
        elif offer:
            said, kind = f"{offer} was taken, which is not possible there", f"{offer.step} where it is not possible"
        else:
            said = kind = "it begins in another state"
        self._fail(REFINEMENT, said, kind, self._differences(before, known))

    def _differences(self, belief: Iterable[int], known: Knowledge) -> tuple[Difference, ...]:
        """What differs from the state of the belief that is nearest to what is shown."""
        ground = self.arena.ground
        nearest = min(belief, key=lambda s: (s & known.mask ^ known.bits).bit_count(), default=None)
        if nearest is None:
            return ()
        there = values_of(ground, nearest)
        found = []
        for (name, element), slot in ground.slots.items():
            if (nearest ^ known.bits) & known.mask & slot.mask:
                label = "" if element is None else ground.structure.labels[element]
                value = there[name]
                allowed = value[label] if isinstance(value, Mapping) else value
                found.append(Difference(name, label, str(allowed), ground.show(slot, known.bits)))
        return tuple(found)

    def _fail(self, requirement: str, wrong: str, kind: str, differences: tuple[Difference, ...] = ()) -> None:
        """Note a failure; each requirement fails once in a run; what comes later may follow from it."""
        if any(f.requirement == requirement for f in self.failures):
            return
        steps = tuple(self.taken)
        self.failures.append(Failure(requirement, wrong, kind, self.arena.name, steps, differences))
