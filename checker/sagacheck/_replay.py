"""A trace read back: the model is built again, and every state and step of the file is held against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sagacheck._check import DEADLOCK, select_properties
from sagacheck._digest import digest
from sagacheck._domain import Design, Domain
from sagacheck._engine import Successors
from sagacheck._errors import InputError
from sagacheck._ground import GroundSpecification, Step
from sagacheck._itf import ItfTrace, state_of
from sagacheck._model import Model
from sagacheck._specification import Kind, Property
from sagacheck._verdict import Trace

__all__ = ["Replayed", "model_of", "replay"]


@dataclass(frozen=True)
class Replayed:
    """A trace that fits its model, with the property that it is about."""

    model: Model
    trace: Trace
    property: Property
    element: int | None
    version: str


def replay(itf: ItfTrace, domain: Domain, spec: str | None) -> Replayed:
    """Hold the trace against the model that it names.

    Raises:
        InputError: it is of another specification, its model cannot be made any more, or it does not fit the model.
    """
    if itf.meta["spec"] != domain.name:
        name = itf.meta["spec"]
        raise InputError(
            f"it is a trace of the specification {name!r}, not of {domain.name!r}; select that with --spec"
        )
    model = model_of(itf.meta, domain, spec)
    specification = model.specification()
    (p,) = select_properties(specification, [itf.meta["property"]])
    structure = model.load()
    if itf.meta.get("digest") not in (None, digest(specification, structure)):  # an old file has none
        raise InputError(
            f"the specification {domain.name} or {domain.structure.name} {model.structure} has changed since this trace"
            " was written; make it again with check --format itf"
        )
    ground = GroundSpecification(specification, structure)
    trace = _trace(itf, ground)
    element = _element(itf.meta.get("element"), ground)
    _confirm(p, element, trace)
    return Replayed(model, trace, p, element, str(itf.meta["versions"].get("sagacheck")))


def model_of(identity: Mapping[str, Any], domain: Domain, spec: str | None) -> Model:
    """The model with that identity (`Model.identity`). Raises InputError where it cannot be made any more."""
    design = _design(domain, identity["settings"])
    return Model(domain, spec, design, identity["structure"], _environment(domain, identity["environment"]))


def _design(domain: Domain, settings: Mapping[str, str]) -> Design:
    axes = {a.name: a.values for a in domain.axes}
    if set(settings) != set(axes):
        odd = sorted(set(axes) ^ set(settings))
        raise InputError(f"its design does not have the axes of this specification: {', '.join(odd)}")
    return domain.design(domain.default, settings)


def _environment(domain: Domain, given: Mapping[str, str]) -> Mapping[str, str]:
    """The options of the file; one that did not exist when it was written has its default."""
    usual = {o.name: o.default for o in domain.environment}
    odd = sorted(set(given) - set(usual))
    if odd:
        raise InputError(f"its environment has an option that this specification does not have: {', '.join(odd)}")
    return {**usual, **given}


def _trace(itf: ItfTrace, ground: GroundSpecification) -> Trace:
    states = tuple(state_of(ground, values, i) for i, values in enumerate(itf.states))
    if states[0] != ground.initial:
        raise InputError("its first state is not the initial state")
    successors = Successors(ground)
    labels = ground.structure.labels
    known = {(s.action.name, tuple(labels[e] for e in s.elements)): s for s in ground.steps}
    steps: list[Step] = []
    for i, (name, elements) in enumerate(itf.steps, 1):
        step = known.get((name, elements))
        shown = f"step {i}, {name}({', '.join(elements)}),"
        if step is None:
            raise InputError(f"{shown} is no step of the specification")
        if step.index not in successors.enabled(states[i - 1]):
            raise InputError(f"{shown} is not possible in the state before it")
        if successors.after(step.index, states[i - 1]) != states[i]:
            raise InputError(f"{shown} does not lead to the state after it")
        steps.append(step)
    if itf.loop is not None and states[itf.loop] != states[-1]:
        raise InputError(f"its last state does not return to state {itf.loop}, where it says that it loops")
    return Trace(ground, states, tuple(steps), itf.loop)


def _element(label: str | None, ground: GroundSpecification) -> int | None:
    if label is None:
        return None
    if label not in ground.structure.labels:
        raise InputError(
            f"there is no {ground.specification.element} {label!r}, for which it says that the property fails"
        )
    return ground.structure.labels.index(label)


def _confirm(p: Property, element: int | None, trace: Trace) -> None:
    """Refuse a trace whose states do not break the property; that a loop is fair is not asked again."""
    ground = trace.ground
    last = trace.states[-1]
    if p is DEADLOCK:
        possible = [ground.steps[i] for i in Successors(ground).enabled(last)]
        fair = [s for s in possible if s.action.fair or not any(a.fair for a in ground.specification.actions)]
        broken = not fair and not ground.evaluate(ground.value(ground.specification.rest, {}), last)
    elif p.kind is Kind.ALWAYS:
        claims = {c.element: c.ground for c in ground.claims(p)}
        if element not in claims:
            raise InputError(f"it does not say for which {ground.specification.element} {p.name} fails")
        broken = not ground.evaluate(claims[element], last)
    else:
        goal = ground.value(p.body, {})
        broken = trace.loop is not None and not any(ground.evaluate(goal, s) for s in trace.states[trace.loop :])
    if not broken:
        raise InputError(f"{p.name} is not violated in it, though it says so")
