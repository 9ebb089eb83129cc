"""The states of one depth after the other, each found by z3 as one that a step leads to and that is not yet known.

Paths that meet in a state are one path from there on, so depth costs nothing; the number of states does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import z3

from sagacheck._symbolic import DisagreementError, Goal, OneStep, Watch, Ways, decided_in

__all__ = ["Listing"]


class Listing:
    """A search that knows its states.

    Attributes:
        ways: the states found so far.
        frontier: those that no fewer than `depth` steps lead to.
        depth: how far it is.
    """

    def __init__(self, one: OneStep, goals: Sequence[Goal], ways: Ways, watch: Watch) -> None:
        self.one = one
        self.ways = ways
        self.frontier = [one.ground.initial]
        self.depth = 0
        self._watch = watch
        self._solver = z3.SimpleSolver(ctx=one.context)
        self._solver.add(*one.parts)
        self._moves = one.constant("moves")
        self._solver.add(z3.Implies(self._moves, one.any_of(one.taken)))
        self._goals = {goal.name: (goal, one.constant(f"goal.{goal.name}")) for goal in goals}
        for goal, shown in self._goals.values():
            self._solver.add(shown == one.goal(goal))
        self._place: Any = None
        self._inside: Any = None
        self._picked: list[Any] = []  # one a state of the frontier
        self._solver.add(self._elsewhere(one.ground.initial))
        self._enter()

    def _elsewhere(self, state: int) -> Any:
        """No step is looked for that leads to this state."""
        return z3.Not(z3.And(self._moves, *self.one.is_state(state, after=True)))

    def _enter(self) -> None:
        """The state before is one of the frontier, until the next pop."""
        one, solver = self.one, self._solver
        solver.push()
        self._inside = one.constant(f"inside.{self.depth}")
        width = max(1, len(self.frontier).bit_length())
        self._place = z3.BitVec(f"place.{self.depth}", width, one.context)
        self._picked = []
        for i, state in enumerate(self.frontier):
            pick = one.constant(f"pick.{self.depth}.{i}")
            self._picked.append(pick)
            solver.add(z3.Implies(pick, z3.And(self._place == i, self._inside, *one.is_state(state))))
        solver.add(z3.Implies(self._inside, one.any_of(self._picked)))

    def _chosen(self, model: Any) -> int:
        """The state of the frontier that a model is about."""
        return self.frontier[int(model.eval(self._place, model_completion=True).as_long())]

    def decided(self, undecided: Sequence[str]) -> dict[str, tuple[int, int | None]]:
        """Of these goals, the ones that a state of the frontier shows: name -> (state, element).

        Raises:
            DisagreementError: z3 says that a state shows one, and it does not.
        """
        found: dict[str, tuple[int, int | None]] = {}
        while waiting := [n for n in undecided if n not in found]:
            asked = self.one.constant(f"asked.{self.depth}.{len(found)}")
            self._solver.add(z3.Implies(asked, self.one.any_of(self._goals[n][1] for n in waiting)))
            if not self._watch.ask(self._solver, self._inside, asked):
                break
            state = self._chosen(self._solver.model())
            shown = decided_in(self.one.ground, [self._goals[n][0] for n in waiting], state)
            if not shown:
                raise DisagreementError(f"z3 finds one of {', '.join(waiting)} in a state that shows none of them")
            found.update((name, (state, element)) for name, element in shown.items())
        return found

    def advance(self, most: int, progress: Callable[[int, int, int], None]) -> bool:
        """Go one step further; False, and nothing has changed for the search, where this makes more than `most` states.

        Raises:
            DisagreementError: a step that z3 takes is not so.
        """
        new: list[int] = []
        known: list[Any] = []
        for before, pick in zip(self.frontier, self._picked, strict=True):
            while self._watch.ask(self._solver, pick, self._moves):
                if len(self.ways) >= most:
                    return False
                model = self._solver.model()
                after = self.one.read(model, self.one.after)
                self.ways.add(before, self.one.step(model, self.one.which), after)
                new.append(after)
                known.append(self._elsewhere(after))
                self._solver.add(known[-1])
                progress(len(self.ways), len(new), self.depth + 1)
        self.frontier = new
        self.depth += 1
        self._solver.pop()
        self._solver.add(*known)
        if new:
            self._enter()
        return True
