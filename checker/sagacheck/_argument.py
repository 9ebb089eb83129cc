"""The inductive argument of a specification as a list of obligations, and what is known of each.

The invariant is the conjunction of its parts. It is true in the initial state; every action preserves each part, given
all of them, the lemmas and the action's guard; each lemma follows from the parts and the lemmas before it; and each
`always` property follows from all. An obligation is about every element at once. What decides it is elsewhere: on every
structure at once (`_every_structure`), on one structure (`_one_structure`).
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from sagacheck._errors import InputError
from sagacheck._specification import Action, Kind, Property, Specification, Statement
from sagacheck._verdict import Trace

__all__ = ["Answer", "Decided", "Obligation", "Refutation", "Rule", "obligations"]


class Rule(enum.Enum):
    """How a claim is shown."""

    INITIAL = "initial"
    STEP = "step"
    LEMMA = "lemma"
    PROPERTY = "property"


@dataclass(frozen=True)
class Obligation:
    """One thing to show.

    Attributes:
        claim: what is to be shown: of the state before, of the initial state, or of the state after `action`.
        action: of a step, else None.
        assumed: what may be used of the state before, besides the axioms and the guard.
    """

    rule: Rule
    claim: Statement
    action: Action | None
    assumed: tuple[Statement, ...]

    @property
    def where(self) -> str:
        """The action, or the rule where there is none."""
        return self.action.name if self.action else self.rule.value

    @property
    def name(self) -> str:
        """What people call it."""
        return f"{self.where} / {self.claim.name}"


class Answer(enum.Enum):
    """What is known of an obligation."""

    PROVED = "proved"
    REFUTED = "refuted"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Refutation:
    """A structure and a state in which what is assumed holds and what is claimed does not, at the latest one step on.

    Attributes:
        trace: of a step, the state before, the step and the state after; else one state.
        element: at which the claim fails; None where it is not about an element.
    """

    trace: Trace
    element: int | None


@dataclass(frozen=True)
class Decided:
    """An obligation with its answer.

    Attributes:
        seconds: wall-clock time that it took.
        refutation: where the answer is refuted. reason: where it is unknown.
    """

    obligation: Obligation
    answer: Answer
    seconds: float
    refutation: Refutation | None = None
    reason: str = ""


def obligations(specification: Specification, properties: Sequence[str] = ()) -> tuple[Obligation, ...]:
    """Everything that is to be shown, for these `always` properties (all of them, when none is named).

    Raises:
        InputError: the specification has no invariant, or a property is not one that an invariant can show.
    """
    s = specification
    if not s.invariant:
        raise InputError(f"the specification {s.name} has no inductive invariant, so `prove` needs --bound")
    known = s.invariant + s.lemmas
    made = [Obligation(Rule.INITIAL, part, None, ()) for part in s.invariant]
    made += [Obligation(Rule.STEP, part, action, known) for action in s.actions for part in s.invariant]
    made += [Obligation(Rule.LEMMA, lemma, None, s.invariant + s.lemmas[:i]) for i, lemma in enumerate(s.lemmas)]
    made += [Obligation(Rule.PROPERTY, _stated(p), None, known) for p in _claimed(s, properties)]
    return tuple(made)


def _claimed(s: Specification, properties: Sequence[str]) -> list[Property]:
    always = {p.name: p for p in s.properties if p.kind is Kind.ALWAYS and not p.excluded}
    for name in properties:
        if name not in always:
            why = _why_not(s, name) or f"an invariant shows {', '.join(always) or 'none'}"
            raise InputError(f"--property {name}: {why}")
    if not always:
        raise InputError(
            f"the specification {s.name} has no property that always holds here, so there is nothing to prove"
        )
    return [p for name, p in always.items() if not properties or name in properties]


def _why_not(s: Specification, name: str) -> str:
    found = next((p for p in s.properties if p.name == name), None)
    if found is None:
        return ""
    if found.kind is not Kind.ALWAYS:
        return f"this is a property of the kind *{found.kind.value}*, which no invariant shows; `check` decides it"
    return f"excluded: {found.excluded}"


def _stated(p: Property) -> Statement:
    return Statement(p.name, p.params, p.body, p.doc, p.place)
