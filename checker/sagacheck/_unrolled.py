"""Behaviours of one length after the other, each length as one formula: bounded model checking as SAT solvers do it.

A. Biere, A. Cimatti, E. Clarke and Y. Zhu, Symbolic Model Checking without BDDs, TACAS 1999. Every state of the path
has its own copy of the variables, and what was shown of shorter paths is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import z3

from sagacheck._ground import Step
from sagacheck._propositional import State
from sagacheck._symbolic import DisagreementError, Goal, OneStep, Watch, Ways, decided_in
from sagacheck._verdict import Trace

__all__ = ["Unrolling"]


class Unrolling:
    """A search along a path that starts in one of these states, one step longer each time.

    Attributes:
        length: the steps of the path so far.
    """

    def __init__(self, one: OneStep, goals: Sequence[Goal], ways: Ways, start: Sequence[int], watch: Watch) -> None:
        self.one = one
        self.length = 0
        self._ways = ways
        self._watch = watch
        self._goals = {goal.name: (goal, one.goal(goal)) for goal in goals}
        self._step = z3.And(*one.parts, one.any_of(one.taken), one.formulas.legal(one.after))
        self._solver = z3.SolverFor("QF_FD", ctx=one.context)
        self._path: list[State] = [one.formulas.state("state.0")]
        self._which: list[Any] = []
        self._solver.add(z3.Or([one.formulas.packed(self._path[0], state) for state in start]))

    def _now(self) -> dict[Any, Any]:
        """What the constants of the state before stand for, in the last state of the path."""
        return dict(zip(self.one.before.values(), self._path[-1].values(), strict=True))

    def decided(self, undecided: Sequence[str]) -> dict[str, tuple[Trace, int | None]]:
        """Of these goals, the ones that a path of this length shows: name -> (its trace, element).

        Raises:
            DisagreementError: z3 says that a path shows one, and it does not, or is none.
        """
        one, now = self.one, self._now()
        shows = {name: one.renamed(now, self._goals[name][1]) for name in undecided}
        found: dict[str, tuple[Trace, int | None]] = {}
        while waiting := [n for n in undecided if n not in found]:
            asked = one.constant(f"asked.{self.length}.{len(found)}")
            self._solver.add(z3.Implies(asked, one.any_of(shows[n] for n in waiting)))
            if not self._watch.ask(self._solver, asked):
                self._solver.add(*[z3.Not(shows[n]) for n in waiting])
                break
            trace = self._trace(self._solver.model())
            shown = decided_in(one.ground, [self._goals[n][0] for n in waiting], trace.states[-1])
            if not shown:
                raise DisagreementError(f"z3 finds one of {', '.join(waiting)} in a state that shows none of them")
            found.update((name, (trace, element)) for name, element in shown.items())
        return found

    def _trace(self, model: Any) -> Trace:
        one = self.one
        first, *others = (one.read(model, state) for state in self._path)
        steps: list[Step] = [one.step(model, which) for which in self._which]
        if first not in self._ways:
            raise DisagreementError("z3 begins a path in a state that it is not to begin in")
        return self._ways.trace(first, list(zip(steps, others, strict=True)))

    def advance(self) -> bool:
        """Make the path one step longer; False where no path has that length."""
        one, now = self.one, self._now()
        self.length += 1
        after = one.formulas.state(f"state.{self.length}")
        which = z3.BitVec(f"which.{self.length}", one.which.size(), one.context)
        taken = {old: one.constant(f"{old}@{self.length}") for old in one.taken}
        pairs = {**now, **dict(zip(one.after.values(), after.values(), strict=True)), **taken, one.which: which}
        self._solver.add(one.renamed(pairs, self._step))
        self._path.append(after)
        self._which.append(which)
        return self._watch.ask(self._solver)
