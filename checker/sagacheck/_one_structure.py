"""Obligations of the inductive argument on one structure, by z3 over the ground layer: unknown is what takes too long.

On a structure the explorer cannot finish, this proves what the invariant shows; on a small one it refutes what does not
follow from it: a state in which all that is assumed holds, and a step after which the claim does not.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import z3

from sagacheck._argument import Answer, Decided, Obligation, Refutation, Rule
from sagacheck._errors import InputError
from sagacheck._first_order import refuse_interrupt
from sagacheck._ground import GroundSpecification, Step
from sagacheck._ground_expr import Ground
from sagacheck._propositional import Propositional, State
from sagacheck._specification import Action, Specification, Statement
from sagacheck._structure import Structure
from sagacheck._symbolic import DisagreementError
from sagacheck._verdict import Trace

__all__ = ["OneStructure"]


class OneStructure:
    """Decides obligations of one specification on one structure."""

    def __init__(self, specification: Specification, structure: Structure) -> None:
        self.ground = GroundSpecification(specification, structure)
        self.formulas = Propositional(self.ground)
        self.before = self.formulas.state("s")
        self._after: dict[int, State] = {}

    def refuse_unfit(self) -> None:
        """Refuse a structure of which the argument does not speak.

        Raises:
            InputError: an axiom is not true of it, or a relation along which a lemma is proved is not there or has a
                cycle.
        """
        s, structure = self.ground.specification, self.ground.structure
        for a in s.axioms:
            if any(claim is not self.ground.table.true for _, claim in self._claims(a)):
                raise InputError(f"the axiom {a.name} of the specification {s.name} is not true of {structure.name}")
        for lemma in s.lemmas:
            if lemma.induction is not None and not structure.well_founded(lemma.induction):
                problem = "has a cycle on" if lemma.induction in structure.relations else "is no relation of"
                raise InputError(
                    f"the lemma {lemma.name} goes along `{lemma.induction}`, which {problem} {structure.name}"
                )

    def possible(self, action: Action, assumed: tuple[Statement, ...]) -> bool:
        """Whether there is a state in which all that is assumed holds and the action is possible."""
        solver = self._solver(assumed)
        for step in self._steps_of(action):
            answer = solver.check(self.formulas.truth(step.guard, self.before))
            if answer == z3.sat:
                return True
            if answer == z3.unknown:
                refuse_interrupt(solver)
        return False

    def decide(self, o: Obligation, seconds: float) -> Decided:
        """Proved, refuted, or unknown after so many seconds for one question to z3."""
        start = time.monotonic()
        solver = self._solver(o.assumed if o.rule is not Rule.INITIAL else None)
        solver.set("timeout", max(1, int(seconds * 1000)))
        for formula, step, element in self._questions(o):
            answer = solver.check(formula)
            spent = time.monotonic() - start
            if answer == z3.unknown:
                refuse_interrupt(solver)
                return Decided(o, Answer.UNKNOWN, spent, reason=solver.reason_unknown())
            if answer == z3.sat:
                return Decided(o, Answer.REFUTED, spent, self._refutation(o, solver.model(), step, element))
        return Decided(o, Answer.PROVED, time.monotonic() - start)

    def used(self, o: Obligation) -> set[str]:
        """The assumptions that a proof of the obligation on this structure makes do with, by name."""
        names: set[str] = set()
        for formula, _, _ in self._questions(o):
            solver = z3.Solver(ctx=self.formulas.context)
            solver.set("core.minimize", True)
            solver.add(self.formulas.legal(self.before), formula)
            for a in o.assumed:
                held = [self.formulas.truth(claim, self.before) for _, claim in self._claims(a)]
                solver.assert_and_track(z3.And(*held), a.name)
            if solver.check() == z3.unsat:
                names.update(str(name) for name in solver.unsat_core())
        return names

    def _questions(self, o: Obligation) -> Iterator[tuple[Any, Step | None, int | None]]:
        """Each way in which the obligation could fail: a formula, and the step after which the claim fails."""
        if o.action is None:
            nearer = self._nearer(o)
            for element, claim in self._claims(o.claim):
                yield z3.And(nearer(element), self._not(claim, self.before)), None, element
            return
        for step in self._steps_of(o.action):
            changed = 0
            for slot, _ in step.updates:
                changed |= slot.mask
            touched = [
                claim for _, claim in self._claims(o.claim) if claim.support & changed or o.claim not in o.assumed
            ]
            if touched:  # what reads nothing that the step changes holds after it because it is assumed before it
                after = self._state_after(step)
                guard = self.formulas.truth(step.guard, self.before)
                yield z3.And(guard, z3.Or(*[self._not(claim, after) for claim in touched])), step, None

    def _nearer(self, o: Obligation) -> Any:
        """What induction lets a lemma assume of the elements nearer to the end of the relation."""
        true = z3.BoolVal(True, self.formulas.context)
        if o.claim.induction is None:
            return lambda _element: true
        claims = dict(self._claims(o.claim))
        related = self.ground.structure.relations[o.claim.induction]
        return lambda n: z3.And(true, *[self.formulas.truth(claims[m], self.before) for m in related[n]])

    def _refutation(self, o: Obligation, model: Any, step: Step | None, element: int | None) -> Refutation:
        """What z3 found, evaluated once more by the ground layer. Raises DisagreementError."""
        state = self.formulas.read(model, self.before) if o.rule is not Rule.INITIAL else self.ground.initial
        evaluate = self.ground.evaluate
        assumed = o.assumed if o.rule is not Rule.INITIAL else ()
        if not all(evaluate(claim, state) for a in assumed for _, claim in self._claims(a)):
            raise DisagreementError(f"z3 finds the assumptions of {o.name} true where the ground layer does not")
        states, steps = [state], []
        if step is not None:
            if not evaluate(step.guard, state):
                raise DisagreementError(f"z3 takes {step.name} where the ground layer finds it impossible")
            states.append(self.ground.apply(state, step.updates))
            steps.append(step)
        broken = [e for e, claim in self._claims(o.claim) if not evaluate(claim, states[-1])]
        if not broken or (element is not None and element not in broken):
            raise DisagreementError(f"z3 finds {o.name} false where the ground layer does not")
        shown = element if element is not None else broken[0]
        return Refutation(Trace(self.ground, tuple(states), tuple(steps)), shown)

    def _solver(self, assumed: tuple[Statement, ...] | None) -> Any:
        """A solver that assumes these of the state before; None: that the state before is the initial one.

        One for each obligation: what it learns of one slows it down at others.
        """
        solver = z3.SolverFor("QF_FD", ctx=self.formulas.context)  # by far the fastest on these
        solver.add(self.formulas.legal(self.before))
        if assumed is None:
            solver.add(self.formulas.packed(self.before, self.ground.initial))
        for a in assumed or ():
            solver.add(*[self.formulas.truth(claim, self.before) for _, claim in self._claims(a)])
        return solver

    def _steps_of(self, action: Action) -> Iterator[Step]:
        return (step for step in self.ground.steps if step.action is action)

    def _state_after(self, step: Step) -> State:
        if step.index not in self._after:
            self._after[step.index] = self.formulas.after(step, self.before)
        return self._after[step.index]

    def _claims(self, statement: Statement) -> list[tuple[int | None, Ground]]:
        """The statement for each element, or for none."""
        if not statement.params:
            return [(None, self.ground.value(statement.body, {}))]
        (param,) = statement.params
        const = self.ground.table.const
        return [
            (n, self.ground.value(statement.body, {param.uid: const(n)})) for n in range(self.ground.structure.size)
        ]

    def _not(self, claim: Ground, state: State) -> Any:
        return self.formulas.truth(self.ground.table.negation(claim), state)
