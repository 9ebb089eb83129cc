"""Tours: what to ask of an implementation next, so that in the end every step of the reachable graph was taken.

The graph is that of beliefs: of states, for an implementation that can be held at every step. Where a step leads is
learned by taking it. A tour goes on along what is untaken, by the shortest way where it must, and ends when nothing
untaken is known to be ahead of it: a durable log only grows, so there is no way back but a new run.
"""

from __future__ import annotations

from collections import Counter, deque

from sagacheck._beliefs import Belief, Beliefs
from sagacheck._protocol import Offer

__all__ = ["Tour"]

_LONGEST = 1000  # steps; a run that has become as long as this ends with its way to the next untaken step


class Tour:
    """What is known of the graph of one structure, and what is still untaken in it.

    Attributes:
        exact: whether a step of the graph is a step of the specification.
        taken, missed: steps of the graph by name: taken; asked for, but the implementation did not come to them.
    """

    def __init__(self, beliefs: Beliefs) -> None:
        self._beliefs = beliefs
        self.exact = beliefs.exact
        self._leads: dict[Belief, dict[Offer, Belief]] = {}
        self._untaken: dict[Belief, list[Offer]] = {}
        self._way: deque[Offer] = deque()
        self._withdrawn: set[str] = set()
        self.taken: Counter[str] = Counter()
        self.missed: Counter[str] = Counter()

    def next(self, belief: Belief, length: int) -> Offer | None:
        """The step to ask for after so many; None where the run should end."""
        self._know(belief)
        if not self._way and length < _LONGEST:
            self._way = self._to_untaken(belief)
        return self._way.popleft() if self._way else None

    def took(self, belief: Belief, offer: Offer, after: Belief) -> None:
        """The step was taken there, and led to another belief."""
        if self._forget(belief, offer):
            self.taken[offer.step] += 1
        known = self._leads[belief].get(offer, after)
        self._leads[belief][offer] = after
        if known != after:  # it is not where it was the last time, so the way is another one
            self._way.clear()

    def miss(self, belief: Belief, offer: Offer) -> None:
        """The implementation did not come to the step there, or failed; it is not asked for again there."""
        self._way.clear()
        self._leads[belief].pop(offer, None)
        if self._forget(belief, offer):
            self.missed[offer.step] += 1

    def withdraw(self, step: str) -> None:
        """Do not ask for any step of that name again."""
        self._withdrawn.add(step)
        for belief, leads in self._leads.items():
            for offer in {*leads, *self._untaken.get(belief, ())}:
                if offer.step == step:
                    self.miss(belief, offer)

    def left(self) -> Counter[str]:
        """How many steps of each name were not asked for."""
        return Counter(offer.step for offers in self._untaken.values() for offer in offers)

    def _know(self, belief: Belief) -> None:
        if belief not in self._leads:
            self._leads[belief] = {}
            possible = sorted(self._beliefs.possible(belief), key=str, reverse=True)
            self._untaken[belief] = [o for o in possible if o.step not in self._withdrawn]

    def _forget(self, belief: Belief, offer: Offer) -> bool:
        """Whether the step was untaken there; it is not any more."""
        untaken = self._untaken.get(belief, [])
        if offer not in untaken:
            return False
        untaken.remove(offer)
        return True

    def _to_untaken(self, start: Belief) -> deque[Offer]:
        """The shortest way that ends with an untaken step; empty if there is none."""
        came: dict[Belief, tuple[Belief, Offer] | None] = {start: None}
        waiting = deque([start])
        while waiting:
            here = waiting.popleft()
            if self._untaken[here]:
                way = deque([self._untaken[here][-1]])
                while (back := came[here]) is not None:
                    here, offer = back
                    way.appendleft(offer)
                return way
            for offer, after in self._leads[here].items():
                if after not in came and after in self._untaken:
                    came[after] = (here, offer)
                    waiting.append(after)
        return deque()
