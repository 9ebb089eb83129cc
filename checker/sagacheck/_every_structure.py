"""Obligations of the inductive argument on every structure at once, by z3 over an uninterpreted sort of elements.

What z3 is asked is whether the assumptions and the negated claim can be true together; "no" proves the obligation, for
structures of any size. Quantifiers are instantiated only so deep: an instance may name an element that an instance
named, and so on, without end. So a "no" is always right, and the rest is unknown: that some structure refutes the claim
has to be shown on a structure (`_one_structure`).
"""

from __future__ import annotations

import itertools
import random
import time
from typing import Any

import z3

from sagacheck._argument import Answer, Decided, Obligation, Rule
from sagacheck._expr import Expr
from sagacheck._first_order import FirstOrder, Moment, refuse_interrupt
from sagacheck._sorts import EnumSort
from sagacheck._specification import Specification, Statement

__all__ = ["EveryStructure"]

# How long z3 searches is a matter of luck, much of the time: with another order of the assumptions it is done at once.
# So it is given little to spend, counted in z3's own units, which do not depend on how busy the machine is, and starts
# anew with more. At the least depth there is little to try, and most proofs need no more.
_DEPTHS = (1, 2, 3)
_LEAST = 60_000_000  # some ten seconds


class EveryStructure:
    """Decides obligations of one specification."""

    def __init__(self, specification: Specification) -> None:
        self.specification = specification
        self._begin()

    def _begin(self) -> None:
        """Make all terms anew, so that z3 is not led astray by equations that only other obligations ask for."""
        self.terms = FirstOrder(self.specification)
        self._always = [self.terms.holds(axiom) for axiom in self.specification.axioms] + self.terms.ranges()
        self._held: dict[str, Any] = {}

    def decide(self, o: Obligation, seconds: float, *, attempts: int | None = None) -> Decided:
        """Proved, or unknown after so many seconds, or so many attempts, for one case of it."""
        start = time.monotonic()
        self._begin()
        assumed, cases = self._formulas(o)
        for case in cases:
            why = self._open(
                [*self._always, *self.terms.equations, *assumed], case, time.monotonic() + seconds, attempts
            )
            if why:
                return Decided(o, Answer.UNKNOWN, time.monotonic() - start, reason=why)
        return Decided(o, Answer.PROVED, time.monotonic() - start)

    def _open(self, assumed: list[Any], case: Any, deadline: float, attempts: int | None) -> str:
        """Why z3 did not say "no" to the case; "" when it did."""
        for attempt in itertools.count():
            depth = _DEPTHS[attempt % len(_DEPTHS)]
            solver = z3.Solver(ctx=self.terms.context)
            solver.set("rlimit", _LEAST * 2 ** (attempt // len(_DEPTHS)))
            solver.set("timeout", max(1, int(1000 * (deadline - time.monotonic()))))
            solver.set("smt.mbqi", False)
            solver.set("smt.random_seed", attempt)
            solver.set("smt.qi.eager_threshold", float(depth))  # the cost of an instance is its depth, and one
            solver.set("smt.qi.lazy_threshold", float(depth))
            shuffled = random.Random(attempt).sample(assumed, len(assumed)) if attempt else assumed
            solver.add(*shuffled, case)
            if solver.check() == z3.unsat:
                return ""
            refuse_interrupt(solver)
            if time.monotonic() >= deadline or attempt + 1 == attempts:
                return f"z3: {solver.reason_unknown()}, in {attempt + 1} attempts"
        raise AssertionError  # itertools.count does not end

    def _holds(self, statement: Statement) -> Any:
        if statement.name not in self._held:
            self._held[statement.name] = self.terms.holds(statement)
        return self._held[statement.name]

    def _formulas(self, o: Obligation) -> tuple[list[Any], list[Any]]:
        """What is assumed, and the ways in which the claim could be false for a new element."""
        terms = self.terms
        assumed = [self._holds(a) for a in o.assumed]
        of = {p.uid: terms.fresh(p.data[0], p.sort) for p in o.claim.params}  # type: ignore[arg-type]
        moment: Moment | None = None
        if o.rule is Rule.INITIAL:
            moment = terms.start()
        elif o.action is not None:
            taken = {p.uid: terms.fresh(p.data[0], p.sort) for p in o.action.params}  # type: ignore[arg-type]
            assumed += [terms.term(guard, taken) for guard in o.action.guard]
            if o.action.over is not None:
                first, second = taken.values()
                assumed.append(self.terms.related(o.action.over, first, second))
            moment = terms.after(o.action, taken)
        elif o.claim.induction is not None:
            (param,) = o.claim.params
            nearer = terms.fresh("nearer", param.sort)  # type: ignore[arg-type]
            claim = terms.term(o.claim.body, {param.uid: nearer})
            assumed.append(
                z3.ForAll([nearer], z3.Implies(self.terms.related(o.claim.induction, of[param.uid], nearer), claim))
            )
        return assumed, self._cases(o.claim.body, of, moment)

    def _cases(self, claim: Expr, of: dict[int, Any], moment: Moment | None) -> list[Any]:
        """That the claim is false; of a claim that a variable has one value of an enumeration, each other value."""
        if claim.op == "eq" and claim.args[1].op == "const" and isinstance(claim.args[1].sort, EnumSort):
            value = self.terms.term(claim.args[0], of, moment)
            sort = claim.args[1].sort
            others = (code for code in range(len(sort.members)) if code != claim.args[1].data)
            return [value == self.terms.value(code, sort) for code in others]
        return [z3.Not(self.terms.term(claim, of, moment))]
