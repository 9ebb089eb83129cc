"""What the two ways of a bounded search share: one step as a formula of z3, and a z3 that can be made to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import z3

from sagacheck._explore import INTERRUPTED, Limits, memory_now
from sagacheck._ground import GroundSpecification, Step
from sagacheck._ground_expr import Ground, Slot
from sagacheck._propositional import Propositional, State
from sagacheck._verdict import Trace

__all__ = ["DisagreementError", "Goal", "OneStep", "StoppedError", "Watch", "Ways", "decided_in"]

_PAUSE = 0.05  # seconds between two looks at the limits


class DisagreementError(Exception):
    """What z3 found is not so by the plain evaluator of the ground layer: a mistake in sagacheck, never in a design."""


class StoppedError(Exception):
    """A limit is reached, or the user interrupts; the text says which."""


@dataclass(frozen=True)
class Goal:
    """What is looked for: a state in which one of these conditions is true.

    Attributes:
        name: of the property that such a state decides. cases: (element, condition).
    """

    name: str
    cases: tuple[tuple[int | None, Ground], ...]


def decided_in(ground: GroundSpecification, goals: Sequence[Goal], state: int) -> dict[str, int | None]:
    """The goals that a state shows, by the plain evaluator, each with its first element."""
    shown: dict[str, int | None] = {}
    for goal in goals:
        for element, condition in goal.cases:
            if goal.name not in shown and ground.evaluate(condition, state):
                shown[goal.name] = element
    return shown


@dataclass
class Ways:
    """Every state that is known to be reachable, with the step that led there; each step was re-executed."""

    ground: GroundSpecification
    _before: dict[int, tuple[int, Step] | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._before[self.ground.initial] = None

    def __len__(self) -> int:
        return len(self._before)

    def __contains__(self, state: int) -> bool:
        return state in self._before

    def add(self, before: int, step: Step, after: int) -> None:
        """A step that z3 found: taken by the plain evaluator, it has to be possible and to lead there.

        Raises:
            DisagreementError: it is not possible, or leads elsewhere.
        """
        self.confirm(before, step, after)
        self._before.setdefault(after, (before, step))

    def confirm(self, before: int, step: Step, after: int) -> None:
        """Take a step that z3 found. Raises DisagreementError."""
        if not self.ground.evaluate(step.guard, before):
            raise DisagreementError(f"z3 takes {step.name} where the ground layer finds it impossible")
        reached = self.ground.apply(before, step.updates)
        if reached != after:
            odd = [s for s in self.ground.slots.values() if (reached ^ after) & s.mask]
            where = ", ".join(s.variable.name for s in odd)
            raise DisagreementError(f"z3 and the ground layer disagree on what {step.name} does to {where}")

    def trace(self, state: int, further: Sequence[tuple[Step, int]] = ()) -> Trace:
        """A way from the initial state to a known one, then these further (step, state) pairs; all re-executed."""
        states, steps = [state], []
        while (found := self._before[states[-1]]) is not None:
            states.append(found[0])
            steps.append(found[1])
        states.reverse()
        steps.reverse()
        for step, after in further:
            states.append(after)
            steps.append(step)
        for before, step, after in zip(states, steps, states[1:], strict=False):
            self.confirm(before, step, after)
        return Trace(self.ground, tuple(states), tuple(steps))


class OneStep:
    """Every step of a ground specification as one formula over the state before, the state after, and the choice.

    Attributes:
        formulas: terms of ground expressions. before, after: the states.
        which: the index of the step. taken: whether it is the step of that index, one truth value a step.
        parts: the formula, as a conjunction. Where none of `taken` is true, the state stays.
    """

    def __init__(self, ground: GroundSpecification) -> None:
        self.ground = ground
        self.formulas = Propositional(ground)
        self.context = self.formulas.context
        self.before = self.formulas.state("before")
        self.after = self.formulas.state("after")
        width = max(1, len(ground.steps).bit_length())
        self.which = z3.BitVec("which", width, self.context)
        self.taken = [z3.Bool(f"taken.{step.index}", self.context) for step in ground.steps]
        self.parts = self._parts()
        self._values: dict[tuple[bool, Slot, int], Any] = {}

    def _parts(self) -> list[Any]:
        parts: list[Any] = []
        written: dict[Slot, dict[int, tuple[Any, list[int]]]] = {slot: {} for slot in self.formulas.slots}
        for step in self.ground.steps:
            taken = self.taken[step.index]
            parts.append(z3.Implies(taken, self.formulas.truth(step.guard, self.before)))
            parts.append(z3.Implies(taken, self.which == step.index))
            after = self.formulas.after(step, self.before)
            for slot, new in step.updates:
                written[slot].setdefault(new.uid, (after[slot], []))[1].append(step.index)
        for slot, writes in written.items():
            writers: list[int] = []
            for term, steps in writes.values():
                writers += steps
                parts.append(z3.Implies(self.any_of(self.taken[i] for i in steps), self.after[slot] == term))
            stays = self.after[slot] == self.before[slot]
            parts.append(z3.Or(*[self.taken[i] for i in writers], stays))
        return parts

    def any_of(self, terms: Any) -> Any:
        """The disjunction."""
        return z3.Or(*terms, z3.BoolVal(False, self.context))

    def constant(self, name: str) -> Any:
        """A new truth value."""
        return z3.Bool(name, self.context)

    def is_state(self, state: int, *, after: bool = False) -> list[Any]:
        """The state before (or after) is this packed one: one term a slot, made once for each value."""
        result = []
        for slot, term in (self.after if after else self.before).items():
            key = after, slot, (state & slot.mask) >> slot.offset
            if key not in self._values:
                self._values[key] = self.formulas.is_value(slot, term, state)
            result.append(self._values[key])
        return result

    def goal(self, goal: Goal) -> Any:
        """The state before shows the goal."""
        return self.any_of(self.formulas.truth(condition, self.before) for _, condition in goal.cases)

    def step(self, model: Any, which: Any) -> Step:
        """The step that a model of z3 takes."""
        return self.ground.steps[int(model.eval(which, model_completion=True).as_long())]

    def read(self, model: Any, state: State) -> int:
        """The packed state that a model of z3 gives."""
        return self.formulas.read(model, state)

    def renamed(self, pairs: Mapping[Any, Any], term: Any) -> Any:
        """A term with constants replaced."""
        return z3.substitute(term, *pairs.items())


class Watch:
    """Asks z3, and stops it at a limit or when the user interrupts. To be entered before and left after."""

    def __init__(self, context: Any, limits: Limits, began: float) -> None:
        self._context = context
        self._limits = limits
        self._began = began
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Watch:
        if self._limits.seconds is not None or self._limits.memory is not None:
            self._thread = threading.Thread(target=self._interrupt, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _interrupt(self) -> None:
        while not self._over.wait(_PAUSE):
            if self._reached():
                self._context.interrupt()

    def _reached(self) -> str:
        limits = self._limits
        if limits.seconds is not None and time.monotonic() - self._began >= limits.seconds:
            return f"--max-seconds {limits.seconds:g} reached"
        if limits.memory is not None and memory_now() >= limits.memory:
            return f"--max-memory {limits.memory // 2**20}M reached"
        return ""

    def look(self) -> None:
        """Raise StoppedError when a limit is reached."""
        reached = self._reached()
        if reached:
            raise StoppedError(reached)

    def ask(self, solver: Any, *assumptions: Any) -> bool:
        """Whether what the solver holds can be true together with the assumptions.

        Raises:
            StoppedError: a limit is reached, the user interrupts, or z3 does not know.
        """
        self.look()
        answer = solver.check(*assumptions)
        if answer == z3.unknown:
            self.look()
            why = solver.reason_unknown()
            raise StoppedError(INTERRUPTED if "interrupt" in why or "cancel" in why else f"z3 does not know: {why}")
        return bool(answer == z3.sat)
