"""A counterexample as TLC prints it, read back into the form of a trace file.

TLC says in plain text which states a behaviour goes through, and names the action of each step but not its elements;
these are found by asking which step of the ground specification leads from the one state to the other. What model it is
of, the MC module that `sagacheck tla` wrote has told TLC to print.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sagacheck._check import DEADLOCK
from sagacheck._domain import Domain
from sagacheck._engine import Successors
from sagacheck._errors import InputError
from sagacheck._ground import GroundSpecification
from sagacheck._itf import ItfTrace, Value, state_of
from sagacheck._model import versions
from sagacheck._replay import model_of
from sagacheck._sorts import ElementSort
from sagacheck._specification import Kind, Property, Specification
from sagacheck._tla_names import Names, element_texts

__all__ = ["MODEL", "is_tlc", "parse_state", "read_tlc"]

MODEL = "sagacheck model: "  # what the MC module has TLC print before the model's identity, as JSON
_FIRST = re.compile(r"^TLC2? Version |^@!@!@STARTMSG", re.MULTILINE)
_MODEL = re.compile(rf'^("{MODEL}.*")\s*$', re.MULTILINE)
_STATE = re.compile(r"^(?:State )?(\d+): (?:<(?P<action>[^>\n]*)>|(?P<still>Stuttering))", re.MULTILINE)
_BACK = re.compile(r"^(?:Back to state:?|Back to state) (\d+)|^(?P<tool>\d+): Back to state", re.MULTILINE)
_INVARIANT = re.compile(r"^Error: Invariant (\w+) is violated(?P<initial> by the initial state:)?", re.MULTILINE)
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\|->|:>|@@|/\\|[\[\](),=]|-?\d+(?![\w.])|[^\s\[\](),="]+')
_NAMED = re.compile(r"Temporal propert(?:y|ies) (\w+) (?:was|were) violated")


@dataclass(frozen=True)
class _Printed:
    """What TLC printed: the states, the name of the action that led to each, and where a behaviour loops."""

    states: tuple[Mapping[str, Value | Mapping[str, Value]], ...]
    actions: tuple[str, ...]
    loop: int | None


def is_tlc(text: str) -> bool:
    """Whether the text is what TLC printed."""
    return _FIRST.search(text[:2000]) is not None


def read_tlc(text: str, domain: Domain, spec: str | None) -> ItfTrace:
    """Read what TLC printed as a trace of the model that it is of.

    Raises:
        InputError: it does not say which model it is of, it has no counterexample, or none of that model; the text
            says which.
    """
    identity = _identity(text)
    if identity["spec"] != domain.name:
        name = identity["spec"]
        raise InputError(f"it is of the specification {name!r}, not of {domain.name!r}; select that with --spec")
    model = model_of(identity, domain, spec)
    specification, structure = model.specification(), model.load()
    ground = GroundSpecification(specification, structure)
    printed = _printed(text, ground)
    packed = [state_of(ground, values, i) for i, values in enumerate(printed.states)]
    steps = _steps(ground, packed, printed.actions)
    p, element = _violated(text, ground, packed, printed.loop)
    labels = structure.labels
    meta = {**identity, "property": p.name, "verdict": "violated", "versions": versions()}
    meta["element"] = None if element is None else labels[element]
    variables = tuple(v.name for v in specification.variables)
    return ItfTrace(meta, variables, printed.states, steps, printed.loop)


def _identity(text: str) -> dict[str, Any]:
    found = _MODEL.search(text)
    if found is None:
        raise InputError("it is TLC's, but does not say which model it is of; run TLC on a module of `sagacheck tla`")
    try:
        identity = json.loads(json.loads(found[1]).removeprefix(MODEL))
    except ValueError as error:
        raise InputError(f"what it says of its model cannot be read ({error})") from None
    keys = ("spec", "design", "settings", "structure", "environment")
    missing = [k for k in keys if not isinstance(identity, dict) or k not in identity]
    if missing:
        raise InputError(f"what it says of its model lacks {', '.join(missing)}")
    inner = [identity[k] for k in ("settings", "environment")]
    if not all(isinstance(x, dict) and all(isinstance(v, str) for v in x.values()) for x in inner):
        raise InputError("what it says of its model has settings or an environment that are no texts by name")
    if not all(isinstance(identity[k], str) for k in ("spec", "design", "structure")):
        raise InputError("what it says of its model has a name that is no text")
    return dict(identity)


def _printed(text: str, ground: GroundSpecification) -> _Printed:
    """The states in the text, with the last one repeated where a behaviour goes back."""
    initial = _INVARIANT.search(text)
    if initial is not None and initial["initial"]:
        return _Printed((parse_state(text[initial.end() :], ground),), (), None)
    marks = list(_STATE.finditer(text))
    if not marks:
        raise InputError("there is no counterexample in it")
    states: list[Mapping[str, Value | Mapping[str, Value]]] = []
    actions: list[str] = []
    loop: int | None = None
    for i, mark in enumerate(marks):
        end = marks[i + 1].start() if i + 1 < len(marks) else len(text)
        if int(mark[1]) != len(states) + 1:
            break  # another behaviour begins
        if mark["still"]:
            loop = len(states) - 1
            break
        states.append(parse_state(text[mark.end() : end], ground))
        if i:
            actions.append(mark["action"].split()[0])
    back = _BACK.search(text, marks[-1].start())
    if back is not None and loop is None:
        number = int(back[1] or back["tool"])
        if not 0 < number <= len(states):
            raise InputError(f"it goes back to state {number}, which is not there")
        loop = number - 1
        states.append(states[loop])
        actions.append("")
    return _Printed(tuple(states), tuple(actions), loop)


# Values --------------------------------------------------------------------------------------------------------------


def parse_state(text: str, ground: GroundSpecification) -> dict[str, Value | Mapping[str, Value]]:
    """The values of the variables in one state, as TLC prints it; what follows the state is not read.

    Raises:
        InputError: it is no state of the specification.
    """
    labels = dict(
        zip(element_texts(ground.structure, ground.specification.element), ground.structure.labels, strict=True)
    )
    reader = _Reader(text)
    values: dict[str, Value | Mapping[str, Value]] = {}
    known = {v.name: v for v in ground.specification.variables}
    while len(values) < len(known):
        reader.skip("/\\")
        name = reader.take()
        if name not in known or name in values:
            raise InputError(f"a state in it has {name!r} where a variable is expected")
        reader.expect("=")
        v = known[name]
        value = reader.value()
        element = isinstance(v.sort, ElementSort)
        if v.per_element:
            if not isinstance(value, dict):
                raise InputError(f"{name} in it is no function")
            values[name] = {labels.get(k, k): labels.get(str(x), x) if element else x for k, x in value.items()}
        else:
            if isinstance(value, dict):
                raise InputError(f"{name} in it is a function")
            values[name] = labels.get(str(value), value) if element else value
    return values


class _Reader:
    """Values of TLA+, as TLC prints them, one after the other."""

    def __init__(self, text: str) -> None:
        self._tokens = (m[0] for m in _TOKEN.finditer(text))
        self._next: str | None = next(self._tokens, None)

    def take(self) -> str:
        if self._next is None:
            raise InputError("a state in it is not complete")
        token, self._next = self._next, next(self._tokens, None)
        return token

    def skip(self, token: str) -> bool:
        if self._next == token:
            self.take()
            return True
        return False

    def expect(self, token: str) -> None:
        found = self.take()
        if found != token:
            raise InputError(f"a state in it has {found!r} where {token!r} is expected")

    def value(self) -> Value | dict[str, Value]:
        token = self.take()
        if token == "[":
            return self._pairs("|->", ",", "]")
        if token == "(":
            return self._pairs(":>", "@@", ")")
        return self._scalar(token)

    def _pairs(self, arrow: str, between: str, end: str) -> dict[str, Value]:
        pairs: dict[str, Value] = {}
        while True:
            key = self.take()
            self.expect(arrow)
            pairs[str(self._scalar(key)) if key.startswith('"') else key] = self._scalar(self.take())
            if not self.skip(between):
                self.expect(end)
                return pairs

    @staticmethod
    def _scalar(token: str) -> Value:
        if token.startswith('"'):
            return re.sub(r"\\(.)", r"\1", token[1:-1])
        if token in ("TRUE", "FALSE"):
            return token == "TRUE"
        return int(token) if re.fullmatch(r"-?\d+", token) else token


# Steps and properties ------------------------------------------------------------------------------------------------


def _steps(
    ground: GroundSpecification, states: Sequence[int], actions: Sequence[str]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """For each step, an action with its elements that leads from state to state; the one that TLC names, if it can."""
    successors = Successors(ground)
    named = Names(ground.specification).actions
    result: list[tuple[str, tuple[str, ...]]] = []
    for i, action in enumerate(actions):
        leading = [s for s in successors.enabled(states[i]) if successors.after(s, states[i]) == states[i + 1]]
        steps = [ground.steps[s] for s in leading]
        said = [s for s in steps if named[s.action.name] == action]
        if not steps or (action in named.values() and not said):
            shown = f", which it calls {action}," if action else ""
            raise InputError(f"step {i + 1} of it{shown} is no step of the specification")
        step = (said or steps)[0]
        result.append((step.action.name, tuple(ground.structure.labels[e] for e in step.elements)))
    return tuple(result)


def _violated(
    text: str, ground: GroundSpecification, states: Sequence[int], loop: int | None
) -> tuple[Property, int | None]:
    """The property that the behaviour violates, and for which element."""
    specification = ground.specification
    by_name = {name: p for p, name in zip(specification.properties, _exported(specification), strict=True)}
    invariant = _INVARIANT.search(text)
    if invariant is not None:
        name = invariant[1]
        if name == DEADLOCK.name:
            return DEADLOCK, None
        p = by_name.get(name)
        if p is None or p.kind is not Kind.ALWAYS:
            raise InputError(f"it violates {name}, which is no property of the specification that must always hold")
        for claim in ground.claims(p):
            if not ground.evaluate(claim.ground, states[-1]):
                return p, claim.element
        raise InputError(f"{name} is not violated in its last state, though it says so")
    if "Error: Deadlock reached" in text:
        return DEADLOCK, None
    if loop is None:
        raise InputError("it does not say which property its counterexample violates")
    said = _NAMED.search(text)
    for name, p in by_name.items():
        if p.kind is not Kind.EVENTUALLY or (said is not None and said[1] in by_name and said[1] != name):
            continue
        goal = ground.value(p.body, {})
        if not any(ground.evaluate(goal, s) for s in states[loop:]):
            return p, None
    raise InputError("its behaviour reaches everything that has to happen eventually, though it says otherwise")


def _exported(specification: Specification) -> list[str]:
    names = Names(specification)
    return [names.properties[p.name] for p in specification.properties]
