"""Which states of a specification explain what was seen of an implementation.

An implementation may have fewer injection points than the specification has steps. What happens on its own between
them is internal: it may have happened already, or not yet. So what is known of an implementation is a set of states, a
*belief*; a step that is asked for and what is seen then narrow it. Only an empty belief is a violation.
"""

from __future__ import annotations

from collections.abc import Iterable

from sagacheck._engine import Predicate, Successors
from sagacheck._ground import GroundSpecification
from sagacheck._protocol import Hello, Offer
from sagacheck._shown import Knowledge

__all__ = ["Belief", "Beliefs"]

Belief = frozenset[int]


class Beliefs:
    """How beliefs change, for one specification on one structure and one implementation.

    Args:
        ground: the specification on the structure.
        hello: which steps the implementation can be made to take, and which happen on their own.
        internal: steps of single elements that happen on their own in this run.
        barred: steps that are left out, since a capability that they need is missing.
    """

    def __init__(
        self, ground: GroundSpecification, hello: Hello, internal: Iterable[Offer] = (), barred: Iterable[str] = ()
    ) -> None:
        self._successors = Successors(ground)
        self._rest = Predicate(ground.value(ground.specification.rest, {}))
        own, out = frozenset(internal), frozenset(barred)
        labels = ground.structure.labels
        self._offer: dict[int, Offer] = {}  # the steps that can be asked for
        self._internal: set[int] = set()
        self._unfair = {a.name for a in ground.specification.actions if not a.fair}
        for step in ground.steps:
            name = step.action.name
            element = labels[step.elements[0]] if len(step.elements) == 1 else None
            offer = Offer(name, element)
            if name in out:
                continue
            if name in hello.internal or offer in own or len(step.elements) > 1:
                self._internal.add(step.index)
            elif name in hello.steps:
                self._offer[step.index] = offer
        self._closures: dict[tuple[int, frozenset[Offer]], Belief] = {}
        self.initial = self._closed((ground.initial,), frozenset())

    @property
    def exact(self) -> bool:
        """Whether nothing happens on its own, so that every belief is one state."""
        return not self._internal

    def possible(self, belief: Belief) -> dict[Offer, int]:
        """The steps that can be asked for, with the number of states of the belief in which they are possible."""
        found: dict[Offer, int] = {}
        for state in belief:
            for index in self._successors.enabled(state):
                offer = self._offer.get(index)
                if offer is not None:
                    found[offer] = found.get(offer, 0) + 1
        return found

    def after(self, belief: Belief, taken: Offer, pending: frozenset[Offer] = frozenset()) -> Belief:
        """The belief after a step was taken; `pending` are steps that are taken as soon as they can be."""
        targets = {
            self._successors.after(index, state)
            for state in belief
            for index in self._successors.enabled(state)
            if self._offer.get(index) == taken
        }
        return self._closed(targets, pending)

    def waiting(self, belief: Belief, pending: frozenset[Offer]) -> Belief:
        """The belief after a step was asked for that waits."""
        return self._closed(belief, pending)

    @staticmethod
    def seen(belief: Belief, known: Knowledge) -> Belief:
        """The states of the belief that fit what is seen."""
        return frozenset(state for state in belief if known.fits(state))

    def may_stand_still(self, belief: Belief) -> bool:
        """Whether the implementation may do nothing more for ever: a behaviour may end in a state of the belief."""
        return any(self._rest(s) for s in belief)

    def goes_on(self, offers: Iterable[Offer]) -> bool:
        """Whether one of these steps has to be taken at last, if it stays possible; an unknown one has to."""
        return any(o.step not in self._unfair for o in offers)

    def _closed(self, states: Iterable[int], pending: frozenset[Offer]) -> Belief:
        if self.exact and not pending:
            return frozenset(states)
        found: set[int] = set()
        for state in states:
            key = state, pending
            known = self._closures.get(key)
            if known is None:
                known = self._closures[key] = self._reach(state, pending)
            found |= known
        return frozenset(found)

    def _reach(self, state: int, pending: frozenset[Offer]) -> Belief:
        """Every state that steps which happen on their own lead to."""
        found, waiting = {state}, [state]
        while waiting:
            here = waiting.pop()
            for index in self._successors.enabled(here):
                if index in self._internal or self._offer.get(index) in pending:
                    target = self._successors.after(index, here)
                    if target not in found:
                        found.add(target)
                        waiting.append(target)
        return frozenset(found)
