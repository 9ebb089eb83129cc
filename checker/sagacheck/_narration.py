"""A trace in words: who takes each step, what it does, what it changes, and what is wrong at the end.

Every report for people (text, Mermaid) tells a trace with these; what the words are is up to the specification: the
first sentence of an action's docstring, the names of its variables and groups, the `wrong` of a property.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sagacheck._ground import GroundSpecification, Step
from sagacheck._ground_expr import Slot
from sagacheck._sorts import BOOL, EnumSort
from sagacheck._specification import Kind, Property, Specification
from sagacheck._verdict import Outcome, Trace, Verdict

__all__ = [
    "Change",
    "Line",
    "filled",
    "first_sentence",
    "groups_of",
    "length_in_words",
    "narrate",
    "note",
    "step_text",
    "what_is_wrong",
]

_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Change:
    """A variable that a step changed in the same way at some elements.

    Attributes:
        where: the variable with the elements, as shown.
        group: the part of the state that it belongs to.
    """

    where: str
    group: str
    old: str
    new: str


@dataclass(frozen=True)
class Line:
    """One step, told."""

    number: int
    step: Step
    text: str
    changes: tuple[Change, ...]


def groups_of(specification: Specification) -> tuple[str, ...]:
    """The parts of the state in the order in which traces show them; those that are not listed come last."""
    return tuple(dict.fromkeys((*specification.groups, *(v.group for v in specification.variables))))


def first_sentence(doc: str) -> str:
    """What stands before the first empty line of a docstring, on one line."""
    return " ".join(doc.strip().partition("\n\n")[0].split())


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with `{name}` replaced by the value of that name; other braces stay as they are."""
    return _PLACE.sub(lambda found: values.get(found[1], found[0]), text)


def step_text(step: Step, ground: GroundSpecification) -> str:
    """What the step does, in one sentence."""
    names = (p.data[0] for p in step.action.params)
    labels = (ground.structure.labels[e] for e in step.elements)
    return filled(first_sentence(step.action.doc), dict(zip(names, labels, strict=True)))


def narrate(trace: Trace) -> tuple[Line, ...]:
    """Each step of the trace, told."""
    pairs = zip(trace.steps, trace.states, trace.states[1:], strict=False)
    return tuple(
        Line(i, step, step_text(step, trace.ground), tuple(_changes(trace.ground, before, after)))
        for i, (step, before, after) in enumerate(pairs, 1)
    )


def _changes(ground: GroundSpecification, before: int, after: int) -> Iterator[Change]:
    """What differs between two states; elements at which a variable changes alike are told together."""
    alike: dict[tuple[str, str, str], list[Slot]] = {}
    for v in ground.specification.variables:
        for element in range(ground.structure.size) if v.per_element else (None,):
            slot = ground.slots[v.name, element]
            if (before ^ after) & slot.mask:
                alike.setdefault((v.name, ground.show(slot, before), ground.show(slot, after)), []).append(slot)
    for (name, old, new), slots in alike.items():
        yield Change(name + _elements(ground, slots), slots[0].variable.group, old, new)


def _elements(ground: GroundSpecification, slots: list[Slot]) -> str:
    labels = [ground.structure.labels[s.element] for s in slots if s.element is not None]
    if not labels:
        return ""
    everywhere = len(labels) == ground.structure.size > 2
    return f"[every {ground.specification.element}]" if everywhere else f"[{', '.join(labels)}]"


def length_in_words(trace: Trace) -> str:
    """How long the trace is."""
    total = len(trace.steps)
    if trace.loop is None:
        return _steps(total)
    if trace.loop == total:
        return f"{_steps(total)}, then standing still for ever"
    return f"{_steps(trace.loop)}, then {_steps(total - trace.loop)} again and again"


def _steps(count: int) -> str:
    return f"{count} step{'' if count == 1 else 's'}"


def note(outcome: Outcome) -> str:
    """What to know about a verdict, in a few words."""
    if outcome.trace is None:
        return outcome.reason
    if outcome.verdict is Verdict.HOLDS:
        return f"reached in {length_in_words(outcome.trace)}"
    if not outcome.trace.steps and outcome.trace.loop is None:
        return "in the initial state"
    return f"shortest counterexample: {length_in_words(outcome.trace)}"


def what_is_wrong(p: Property, trace: Trace, element: int | None) -> str:
    """What is wrong in the last state of a counterexample, in words."""
    ground = trace.ground
    values = {
        v.name: _value(ground, ground.slots[v.name, element if v.per_element else None], trace.states[-1])
        for v in ground.specification.variables
        if not v.per_element or element is not None
    }
    if element is not None and p.params:
        values[p.params[0].data[0]] = ground.structure.labels[element]
    said = filled(p.wrong or f"this must not be so: {first_sentence(p.doc)}", values)
    if p.kind is Kind.EVENTUALLY and trace.loop is not None:
        ending = "standing still for ever" if trace.loop == len(trace.steps) else "going round for ever"
        return f"{said} ({ending})"
    return said


def _value(ground: GroundSpecification, slot: Slot, state: int) -> str:
    """The value in a slot as it reads in a sentence: the text of an enumeration's value rather than its name."""
    sort = slot.variable.sort
    code = (state & slot.mask) >> slot.offset
    if isinstance(sort, EnumSort):
        value = sort.member(code).value
        return value if isinstance(value, str) else sort.member(code).name
    shown = ground.show(slot, state)
    return shown.lower() if sort == BOOL else shown
