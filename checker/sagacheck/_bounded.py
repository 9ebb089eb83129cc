"""Bounded search by z3: the shortest violation of each property, or that there is none within so many steps.

    bounded(specification, structure, bound, *, properties=(), limits=None, listed=LISTED, progress=None) -> Result

A second reader of the ground layer, with the results of `check`: what is violated has a shortest counterexample, of the
length that the explorer finds. z3 lists the states depth by depth while there are few (`_listed`); from the last depth
that it listed it goes on with paths as one formula (`_unrolled`). What it finds is re-executed before it is believed.

That there is no violation within the bound does not show that a property holds: it is undetermined, unless z3 found
that no step leads anywhere new. An *eventually* property is about behaviours without end, and not checked.
z3 is imported when the search begins.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from sagacheck._check import DEADLOCK, excluded_by, select_properties
from sagacheck._errors import InputError, need_z3
from sagacheck._explore import INTERRUPTED, Limits, peak_memory
from sagacheck._ground import GroundSpecification
from sagacheck._ground_expr import Ground
from sagacheck._specification import Kind, Property, Specification
from sagacheck._structure import Structure
from sagacheck._verdict import Exploration, Outcome, Result, Trace, Verdict

if TYPE_CHECKING:
    from sagacheck._symbolic import Goal, OneStep, Watch

__all__ = ["LISTED", "bounded"]

LISTED = 2_000  # states that z3 lists one by one before it goes on with paths as formulas

_QUIET = 0.1  # seconds between two reports of progress

_NOT_BOUNDED = "a bounded search says nothing of behaviours without end; `check` does"


def bounded(
    specification: Specification,
    structure: Structure,
    bound: int,
    *,
    properties: Sequence[str] = (),
    limits: Limits | None = None,
    listed: int = LISTED,
    progress: Callable[[int, int, int], None] | None = None,
) -> Result:
    """Look for violations, and for what *sometimes* properties ask for, of at most so many steps.

    Args:
        bound: the most steps of a counterexample or witness.
        properties: names; all for none.
        limits: when to give up, by seconds and memory; what is not decided by then is undetermined.
        listed: how many states z3 lists one by one; with 0 every length is one formula, from the initial state.
        progress: called now and then with (states listed, states of the last depth, depth).

    Raises:
        InputError: an unknown property, a bound below 0, a structure that does not fit, or z3 is not installed.
        DisagreementError: what z3 found is not so by the plain evaluator of the ground layer.
    """
    began = time.monotonic()
    if bound < 0:
        raise InputError(f"the bound {bound} is less than 0 steps")
    asked = select_properties(specification, properties)
    need_z3()
    ground = GroundSpecification(specification, structure)
    reasons = {p.name: _not_checked(p, structure, specification.element) for p in asked}
    search = _Search(ground, [p for p in asked if not reasons[p.name]], limits or Limits(), progress, began)
    search.run(bound, listed)
    outcomes = tuple(
        Outcome(p, Verdict.NOT_CHECKED, reason=reasons[p.name]) if reasons[p.name] else search.outcome(p) for p in asked
    )
    return Result(ground, outcomes, search.exploration())


def _not_checked(p: Property, structure: Structure, element: str) -> str:
    return excluded_by(p, structure, element) or (_NOT_BOUNDED if p.kind is Kind.EVENTUALLY else "")


class _Search:
    """One bounded search: what is found, how far it came, and why it ended."""

    def __init__(
        self,
        ground: GroundSpecification,
        properties: Sequence[Property],
        limits: Limits,
        progress: Callable[[int, int, int], None] | None,
        began: float,
    ) -> None:
        self.ground = ground
        self.properties = properties
        self.limits = limits
        self.found: dict[str, tuple[Trace, int | None]] = {}
        self.stopped = ""
        self.complete = False
        self.excluded = -1  # up to this depth there is nothing but what is found
        self.states = 1
        self._at_bound = False
        self._progress = progress
        self._began = began
        self._seconds = 0.0
        self._next_report = 0.0
        self._start_memory = peak_memory()

    def run(self, bound: int, listed: int) -> None:
        """Search until everything is decided, the bound or a limit is reached, or the user interrupts."""
        from sagacheck._symbolic import OneStep, StoppedError, Watch

        try:
            one = OneStep(self.ground)
            with Watch(one.context, self.limits, self._began) as watch:
                self._run(one, watch, bound, listed)
        except StoppedError as stopped:
            self.stopped = str(stopped)
        except KeyboardInterrupt:
            self.stopped = INTERRUPTED
        self._seconds = time.monotonic() - self._began

    def _run(self, one: OneStep, watch: Watch, bound: int, listed: int) -> None:
        from sagacheck._listed import Listing
        from sagacheck._symbolic import Ways
        from sagacheck._unrolled import Unrolling

        goals = list(self._goals())
        ways = Ways(self.ground)
        start, depth = [self.ground.initial], 0
        if listed:
            listing = Listing(one, goals, ways, watch)
            while True:
                depth, start = listing.depth, listing.frontier
                for name, (state, element) in listing.decided(self._undecided).items():
                    self.found[name] = (ways.trace(state), element)
                if self._ended(depth, bound):
                    return
                more = listing.advance(listed, self._report)
                self.states = len(ways)
                if not more:
                    break
                if not listing.frontier:
                    self.complete = True
                    return
        unrolling = Unrolling(one, goals, ways, start, watch)
        while True:
            self._report(self.states, len(start), depth)
            self.found.update(unrolling.decided(self._undecided))
            if self._ended(depth, bound):
                return
            if not unrolling.advance():
                self.complete = True
                return
            depth += 1

    def _ended(self, depth: int, bound: int) -> bool:
        """Whether nothing is left to look for, now that this depth has been searched."""
        self.excluded = depth
        self._at_bound = depth >= bound
        if self._undecided and self._at_bound:
            self.stopped = f"the bound of {_steps(bound)} is reached"
        return self._at_bound or not self._undecided

    @property
    def _undecided(self) -> list[str]:
        return [p.name for p in self.properties if p.name not in self.found]

    def _goals(self) -> Iterator[Goal]:
        from sagacheck._symbolic import Goal

        table = self.ground.table
        for p in self.properties:
            if p is DEADLOCK:
                yield Goal(p.name, ((None, self._deadlock()),))
            else:
                wanted = p.kind is Kind.SOMETIMES
                claims = self.ground.claims(p)
                yield Goal(p.name, tuple((c.element, c.ground if wanted else table.negation(c.ground)) for c in claims))

    def _deadlock(self) -> Ground:
        """No fair step is possible (any step, where none is fair), and this is no legal end."""
        table, steps = self.ground.table, self.ground.steps
        fair = [s for s in steps if s.action.fair] or list(steps)
        possible = (s.guard for s in fair)
        rest = self.ground.value(self.ground.specification.rest, {})
        return table.negation(table.junction("or", [rest, *possible]))

    def _report(self, states: int, frontier: int, depth: int) -> None:
        now = time.monotonic()
        if self._progress is not None and now >= self._next_report:
            self._next_report = now + _QUIET
            self._progress(states, frontier, depth)

    def outcome(self, p: Property) -> Outcome:
        """The verdict on a property that was looked for."""
        sometimes = p.kind is Kind.SOMETIMES
        if p.name in self.found:
            return Outcome(p, Verdict.HOLDS if sometimes else Verdict.VIOLATED, *self.found[p.name])
        if self.complete and sometimes:
            return Outcome(p, Verdict.VIOLATED, reason="no reachable state is like that: the model is vacuous there")
        if self.complete:
            return Outcome(p, Verdict.HOLDS)
        if self.excluded < 0:
            return Outcome(p, Verdict.UNDETERMINED, reason=self.stopped)
        what = "not reached" if sometimes else "no violation"
        why = "" if self._at_bound else f" ({self.stopped})"
        return Outcome(p, Verdict.UNDETERMINED, reason=f"{what} within {_steps(self.excluded)}{why}")

    def exploration(self) -> Exploration:
        """How far the search went; its steps are those that z3 took to a new state."""
        peak = peak_memory()
        return Exploration(
            states=self.states,
            steps=self.states - 1,
            depth=max(0, self.excluded),
            seconds=self._seconds,
            peak_memory=peak,
            state_bytes=(peak - self._start_memory) // max(1, self.states),
            complete=self.complete,
            stopped=self.stopped,
        )


def _steps(count: int) -> str:
    return f"{count} step" if count == 1 else f"{count} steps"
