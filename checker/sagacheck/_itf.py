"""Traces on disk: the Informal Trace Format (ITF) of Apalache and Quint.

https://apalache-mc.org/docs/adr/015adr-trace.html. A function of elements is `{"#map": [[label, value], ...]}`, an
enumeration's member its name, an element its label ("None" for no element), truth values and integers are JSON's own.
The `#meta` of the trace says from which model it comes, that of a state which step led there. The last state of a
behaviour without end repeats state `loop`, so that the step back to it is named too: to other tools a stuttering step.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sagacheck._digest import digest
from sagacheck._errors import InputError
from sagacheck._ground import GroundSpecification
from sagacheck._ground_expr import Slot
from sagacheck._model import Model
from sagacheck._sorts import BOOL, RangeSort
from sagacheck._specification import Property
from sagacheck._verdict import Trace

__all__ = ["ItfTrace", "read_itf", "state_of", "trace_to_itf", "values_of"]

_DESCRIPTION = "https://apalache-mc.org/docs/adr/015adr-trace.html"
_META_KEYS = ("spec", "design", "settings", "structure", "environment", "property", "verdict", "versions")
_EXACT = 2**53  # JSON integers beyond this lose digits in some readers
_DEEPEST = 50
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")

Value = bool | int | str


@dataclass(frozen=True)
class ItfTrace:
    """A file in the form that we write, read but not yet understood.

    Attributes:
        meta: what it says about its model, by the keys of `Model.identity`, with property, verdict, element and, unless
            the file is old, digest.
        variables: the names of the variables.
        states: for each state, variable -> its value, or element label -> value for a function of elements.
        steps: for each state after the first, the action and the labels of its elements.
        loop: the index of the state that a behaviour without end returns to.
    """

    meta: Mapping[str, Any]
    variables: tuple[str, ...]
    states: tuple[Mapping[str, Value | Mapping[str, Value]], ...]
    steps: tuple[tuple[str, tuple[str, ...]], ...]
    loop: int | None


# Writing -------------------------------------------------------------------------------------------------------------


def trace_to_itf(model: Model, trace: Trace, p: Property, verdict: str, element: int | None) -> str:
    """The trace as ITF JSON text."""
    ground = trace.ground
    identity = model.identity()
    meta = {
        "format": "ITF",
        "format-description": _DESCRIPTION,
        "description": f"{p.name} is {verdict}: {' '.join(p.doc.split())}",
        **identity,
        "digest": digest(ground.specification, ground.structure),
        "property": p.name,
        "verdict": verdict,
        "element": None if element is None else ground.structure.labels[element],
    }
    names = [v.name for v in ground.specification.variables]
    states = [{"#meta": _step_meta(trace, i), **_encoded(ground, state)} for i, state in enumerate(trace.states)]
    parts = [f'"#meta": {json.dumps(meta, indent=1, ensure_ascii=False)}', f'"vars": {_line(names)}']
    if trace.loop is not None:
        parts.append(f'"loop": {trace.loop}')
    parts.append('"states": [\n' + ",\n".join(_block(s) for s in states) + "\n]")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _block(state: Mapping[str, Any]) -> str:
    """A state with a line for each variable, so that a person and a diff can read it."""
    return "{\n" + ",\n".join(f" {_line(k)}: {_line(v)}" for k, v in state.items()) + "\n}"


def _step_meta(trace: Trace, index: int) -> dict[str, Any]:
    if index == 0:
        return {"index": 0, "action": None, "elements": [], "actor": None}
    step = trace.steps[index - 1]
    labels = [trace.ground.structure.labels[e] for e in step.elements]
    return {"index": index, "action": step.action.name, "elements": labels, "actor": step.action.actor}


def _encoded(ground: GroundSpecification, state: int) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, value in values_of(ground, state).items():
        if isinstance(value, Mapping):
            result[name] = {"#map": [[label, _number(v)] for label, v in value.items()]}
        else:
            result[name] = _number(value)
    return result


def _number(value: Value) -> Any:
    return {"#bigint": str(value)} if type(value) is int and abs(value) >= _EXACT else value


def values_of(ground: GroundSpecification, state: int) -> dict[str, Value | Mapping[str, Value]]:
    """The state by the names that people use: variable -> value, or element label -> value."""
    labels = ground.structure.labels
    return {
        v.name: {labels[e]: _shown(ground, ground.slots[v.name, e], state) for e in range(len(labels))}
        if v.per_element
        else _shown(ground, ground.slots[v.name, None], state)
        for v in ground.specification.variables
    }


def _shown(ground: GroundSpecification, slot: Slot, state: int) -> Value:
    code = (state & slot.mask) >> slot.offset
    if slot.variable.sort == BOOL:
        return bool(code)
    if isinstance(slot.variable.sort, RangeSort):
        return code + slot.variable.sort.low
    return ground.show(slot, state)


# Reading -------------------------------------------------------------------------------------------------------------


def read_itf(text: str) -> ItfTrace:
    """Read a file that `trace_to_itf` wrote.

    Raises:
        InputError: it is no JSON, no ITF, or it lacks what we write beside the states; the text says which.
    """
    if _nesting(text) > _DEEPEST:
        raise InputError("it is no ITF trace: its values are nested too deeply")
    try:
        document = json.loads(text)
    except ValueError as error:
        raise InputError(f"it is no JSON ({error})") from None
    if not isinstance(document, dict) or not isinstance(document.get("states"), list) or not document["states"]:
        raise InputError("it is no ITF trace: there is no list of `states` in it")
    meta = document.get("#meta")
    if not isinstance(meta, dict) or any(k not in meta for k in _META_KEYS):
        missing = [k for k in _META_KEYS if not isinstance(meta, dict) or k not in meta]
        raise InputError(f"it was not written by sagacheck: its #meta has no {', '.join(missing)}")
    _check_meta(meta)
    names = document.get("vars")
    if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
        raise InputError("it is no ITF trace: its `vars` are no list of names")
    states = tuple(_decoded(raw, names, i) for i, raw in enumerate(document["states"]))
    steps = tuple(_step(raw, i) for i, raw in enumerate(document["states"]) if i)
    loop = document.get("loop")
    if loop is not None and (type(loop) is not int or not 0 <= loop < len(states)):
        raise InputError(f"its `loop` is {loop!r}, which is no index of a state")
    return ItfTrace(meta, tuple(names), states, steps, loop)


def _nesting(text: str) -> int:
    """How deep brackets nest; asked before parsing, because the parser's own guard is Python's recursion limit."""
    depth = most = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        most = max(most, depth)
    return most


def _check_meta(meta: Mapping[str, Any]) -> None:
    for key in ("settings", "environment"):
        inner = meta[key]
        if not isinstance(inner, dict) or not all(isinstance(v, str) for v in inner.values()):
            raise InputError(f"the `{key}` in its #meta are no texts by name")
    for key in ("spec", "design", "structure", "property", "verdict"):
        if not isinstance(meta[key], str):
            raise InputError(f"the `{key}` in its #meta is no text")
    if meta["verdict"] != "violated" or not isinstance(meta["versions"], dict):
        raise InputError("its #meta does not say that it is a counterexample, and of which version")
    for key in ("element", "digest"):
        if not isinstance(meta.get(key), str | None):
            raise InputError(f"the `{key}` in its #meta is no text")


def _decoded(raw: Any, names: list[str], index: int) -> Mapping[str, Value | Mapping[str, Value]]:
    if not isinstance(raw, dict):
        raise InputError(f"state {index} is no object")
    missing = [n for n in names if n not in raw]
    if missing:
        raise InputError(f"state {index} has no value for {', '.join(missing)}")
    return {n: _value(raw[n], f"{n} in state {index}") for n in names}


def _value(raw: Any, where: str) -> Value | Mapping[str, Value]:
    if isinstance(raw, dict) and set(raw) == {"#map"} and isinstance(raw["#map"], list):
        result: dict[str, Value] = {}
        for pair in raw["#map"]:
            if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[0], str):
                raise InputError(f"{where} is no map from elements to values")
            result[pair[0]] = _scalar(pair[1], where)
        return result
    return _scalar(raw, where)


def _scalar(raw: Any, where: str) -> Value:
    if isinstance(raw, bool | int | str):
        return raw
    if isinstance(raw, dict) and set(raw) == {"#bigint"} and isinstance(raw["#bigint"], str):
        try:
            return int(raw["#bigint"])
        except ValueError:
            pass
    raise InputError(f"{where} is {json.dumps(raw)}, which is no value that sagacheck writes")


def _step(raw: Mapping[str, Any], index: int) -> tuple[str, tuple[str, ...]]:
    meta = raw.get("#meta")
    if not isinstance(meta, dict) or not isinstance(meta.get("action"), str):
        raise InputError(f"state {index} does not say which action led to it")
    labels = meta.get("elements", [])
    if not isinstance(labels, list) or not all(isinstance(x, str) for x in labels):
        raise InputError(f"the elements of the step to state {index} are no list of labels")
    return meta["action"], tuple(labels)


def state_of(ground: GroundSpecification, values: Mapping[str, Value | Mapping[str, Value]], index: int) -> int:
    """The packed state with these values.

    Raises:
        InputError: a variable, an element or a value that the specification does not have.
    """
    state = 0
    labels = ground.structure.labels
    known = [v.name for v in ground.specification.variables]
    if sorted(known) != sorted(values):
        odd = sorted(set(known) ^ set(values))
        raise InputError(f"its variables are not those of the specification: {', '.join(odd)}")
    for v in ground.specification.variables:
        given = values[v.name]
        if isinstance(given, Mapping) != v.per_element or (isinstance(given, Mapping) and set(given) != set(labels)):
            raise InputError(
                f"{v.name} in state {index} does not have one value for each {ground.specification.element}"
            )
        for element in range(len(labels)) if v.per_element else (None,):
            slot = ground.slots[v.name, element]
            value = given if not isinstance(given, Mapping) else given[labels[element]]  # type: ignore[index]
            state |= _code(ground, slot, value, index) << slot.offset
    return state


def _code(ground: GroundSpecification, slot: Slot, value: Value, index: int) -> int:
    for code in range(slot.variable.sort.size(ground.structure.size)):
        shown = _shown(ground, slot, code << slot.offset)
        if shown == value and type(shown) is type(value):
            return code
    raise InputError(f"{slot.variable.name} in state {index} is {value!r}, which is no value of {slot.variable.sort}")
