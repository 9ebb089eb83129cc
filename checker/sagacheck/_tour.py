"""Tours: what to ask of an implementation next, so that in the end every step of the reachable graph was taken.

The graph is that of beliefs: of states, for an implementation that can be held at every step. It is unrolled as far as
tours come. A tour goes on along what is untaken, by the shortest way where it must, and ends when nothing untaken is
ahead of it any more: a durable log only grows, so there is no way back.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping

from sagacheck._beliefs import Belief, Beliefs
from sagacheck._protocol import Offer

__all__ = ["LONGEST", "Tour"]

LONGEST = 1000  # steps; a run that has become as long as this ends with its way to the next untaken step


class Tour:
    """What is still untaken, on one structure. `unreached` counts what an implementation did not come to."""

    def __init__(self, beliefs: Beliefs) -> None:
        self._beliefs = beliefs
        self._graph: dict[Belief, dict[Offer, Belief]] = {}
        self._untaken: dict[Belief, set[Offer]] = {}
        self._withdrawn: set[str] = set()
        self._way: list[Offer] = []
        self.taken: Counter[str] = Counter()
        self.unreached: Counter[str] = Counter()

    def next(self, belief: Belief, length: int) -> Offer | None:
        """The step to ask for after so many; None where the run should end."""
        if not self._way and length < LONGEST:
            self._way = self._to_untaken(belief)
        return self._way.pop(0) if self._way else None

    def took(self, belief: Belief, offer: Offer) -> None:
        """The step was taken there."""
        if offer in self._untaken.get(belief, ()):
            self._forget(belief, offer)
            self.taken[offer.step] += 1

    def missed(self, belief: Belief, offer: Offer) -> None:
        """The implementation did not come to the step there; it is not asked for again there."""
        self._way = []
        self._edges(belief).pop(offer, None)
        if offer in self._untaken.get(belief, ()):
            self._forget(belief, offer)
            self.unreached[offer.step] += 1

    def turned(self, expected: bool) -> None:
        """The way was left, or not: whether the implementation is where the tour thought that it would be."""
        if not expected:
            self._way = []

    def expected(self, belief: Belief, offer: Offer) -> Belief:
        """The belief that the step leads to, but for what is seen then."""
        return self._edges(belief).get(offer, frozenset())

    def withdraw(self, step: str) -> None:
        """Do not ask for any step of that name again."""
        self._withdrawn.add(step)
        self._way = []
        for belief, offers in list(self._untaken.items()):
            for offer in [o for o in offers if o.step == step]:
                self._forget(belief, offer)
                self.unreached[step] += 1
        for edges in self._graph.values():
            for offer in [o for o in edges if o.step == step]:
                del edges[offer]

    def left(self) -> Mapping[str, int]:
        """How many steps of each name were come to, but not taken."""
        return Counter(offer.step for offers in self._untaken.values() for offer in offers)

    def _forget(self, belief: Belief, offer: Offer) -> None:
        self._untaken[belief].discard(offer)
        if not self._untaken[belief]:
            del self._untaken[belief]

    def _edges(self, belief: Belief) -> dict[Offer, Belief]:
        edges = self._graph.get(belief)
        if edges is None:
            possible = [o for o in sorted(self._beliefs.possible(belief), key=str) if o.step not in self._withdrawn]
            edges = self._graph[belief] = {o: self._beliefs.after(belief, o) for o in possible}
            if edges:
                self._untaken[belief] = set(edges)
        return edges

    def _to_untaken(self, start: Belief) -> list[Offer]:
        """The shortest way that ends with an untaken step; empty if there is none."""
        came: dict[Belief, tuple[Belief, Offer] | None] = {start: None}
        waiting = deque([start])
        while waiting:
            here = waiting.popleft()
            self._edges(here)
            if here in self._untaken:
                way = [min(self._untaken[here], key=str)]
                while (back := came[here]) is not None:
                    here, offer = back
                    way.append(offer)
                return way[::-1]
            for offer, after in self._edges(here).items():
                if after not in came:
                    came[after] = (here, offer)
                    waiting.append(after)
        return []
