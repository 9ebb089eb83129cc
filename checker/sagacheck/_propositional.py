"""A specification on one structure as formulas of z3 without quantifiers, made from the ground layer.

A truth value becomes a z3 truth value; any other code a bit vector, as wide as the widest slot needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import z3

from sagacheck._expr import FunctionSort, walk
from sagacheck._ground import GroundSpecification, Step
from sagacheck._ground_expr import Ground, Slot
from sagacheck._sorts import BOOL

__all__ = ["Propositional", "State"]


class State(dict[Slot, Any]):
    """A state: slot -> its term. The terms that were made in it are kept."""

    def __init__(self, terms: Mapping[Slot, Any]) -> None:
        super().__init__(terms)
        self.made: dict[int, Any] = {}


class Propositional:
    """The formulas of one ground specification.

    Attributes:
        slots: the slots that hold anything, in the order of the packed state.
    """

    def __init__(self, ground: GroundSpecification) -> None:
        self.ground = ground
        self.context = z3.Context()
        self.slots = tuple(slot for slot in ground.slots.values() if slot.width)
        self._width = _greatest(ground).bit_length()

    def state(self, name: str) -> State:
        """A state of new constants, one a slot."""
        return State({slot: self._constant(f"{name}.{slot.offset}", slot) for slot in self.slots})

    def _constant(self, name: str, slot: Slot) -> Any:
        if slot.variable.sort == BOOL:
            return z3.Bool(name, self.context)
        return z3.BitVec(name, self._width, self.context)

    def legal(self, state: State) -> Any:
        """Every slot holds a value of its sort."""
        size = self.ground.structure.size
        return self._all(
            z3.ULT(term, self._code(slot.variable.sort.size(size)))
            for slot, term in state.items()
            if slot.variable.sort != BOOL
        )

    def packed(self, state: State, code: int) -> Any:
        """The state is this packed one."""
        return self._all(self.is_value(slot, term, code) for slot, term in state.items())

    def is_value(self, slot: Slot, term: Any, code: int) -> Any:
        """The slot holds what it holds in a packed state."""
        value = (code & slot.mask) >> slot.offset
        return (term if value else z3.Not(term)) if slot.variable.sort == BOOL else term == self._code(value)

    def read(self, model: Any, state: State) -> int:
        """The packed state that a model of z3 gives."""
        code = 0
        for slot, term in state.items():
            value = model.eval(term, model_completion=True)
            number = int(z3.is_true(value)) if slot.variable.sort == BOOL else value.as_long()
            code |= number << slot.offset
        return code

    def after(self, step: Step, state: State) -> State:
        """The state after a step."""
        changed = {slot: self._term(new, slot.variable.sort == BOOL, state) for slot, new in step.updates}
        return State({**state, **changed})

    def truth(self, g: Ground, state: State) -> Any:
        """The formula of a ground condition in a state."""
        return self._term(g, True, state)

    def _term(self, g: Ground, wanted_truth: bool, state: State) -> Any:
        """The term of g; each argument before what it is in, since recursion along a long structure goes deep."""
        memo = state.made
        stack = [(g, wanted_truth)]
        while stack:
            x, truth = stack[-1]
            key = 2 * x.uid + truth
            if key in memo:
                stack.pop()
                continue
            needed = [(a, t) for a, t in self._arguments(x, truth) if 2 * a.uid + t not in memo]
            if needed:
                stack.extend(needed)
                continue
            memo[key] = self._made(x, truth, state, [memo[2 * a.uid + t] for a, t in self._arguments(x, truth)])
            stack.pop()
        return memo[2 * g.uid + wanted_truth]

    def _arguments(self, x: Ground, truth: bool) -> list[tuple[Ground, bool]]:
        """The arguments of x, each with whether it is wanted as a truth value or as a code."""
        if x.op == "ite":
            return [(x.args[0], True), (x.args[1], truth), (x.args[2], truth)]
        if x.op in ("not", "and", "or"):
            return [(a, True) for a in x.args]
        if x.op == "eq":
            both = all(_may_be_truth(a) for a in x.args)
            return [(a, both) for a in x.args]
        return [(a, False) for a in x.args]

    def _made(self, x: Ground, truth: bool, state: State, args: list[Any]) -> Any:
        found = self._plain(x, truth, state, args)
        if truth == z3.is_bool(found):
            return found
        return found != self._code(0) if truth else z3.If(found, self._code(1), self._code(0))

    def _plain(self, x: Ground, truth: bool, state: State, args: list[Any]) -> Any:
        match x.op:
            case "const":
                assert isinstance(x.data, int)
                return z3.BoolVal(bool(x.data), self.context) if truth else self._code(x.data)
            case "slot":
                return state[x.data]  # type: ignore[index]
            case "not":
                return z3.Not(args[0])
            case "and":
                return z3.And(*args)
            case "or":
                return z3.Or(*args)
            case "eq":
                return args[0] == args[1]
            case "lt":
                return z3.ULT(*args)
            case "ite":
                return z3.If(*args)
            case "add":
                assert isinstance(x.data, tuple)
                summand, most = x.data
                total = args[0] + self._code(summand)
                return total if most is None else z3.If(z3.ULT(total, self._code(most)), total, self._code(most))
        raise AssertionError(f"no formula of {x.op}")

    def _code(self, code: int) -> Any:
        assert 0 <= code < 1 << self._width, f"{code} does not fit into {self._width} bits"
        return z3.BitVecVal(code, self._width, self.context)

    def _all(self, parts: Any) -> Any:
        return z3.And(*parts, z3.BoolVal(True, self.context))


def _may_be_truth(x: Ground) -> bool:
    """Whether x is a truth value, or a constant that can stand for one."""
    match x.op:
        case "const":
            return x.data in (0, 1)
        case "slot":
            return isinstance(x.data, Slot) and x.data.variable.sort == BOOL
        case "ite":
            return _may_be_truth(x.args[1]) and _may_be_truth(x.args[2])
    return x.op in ("not", "and", "or", "eq", "lt")


def _greatest(ground: GroundSpecification) -> int:
    """A number that no code, no size of a sort and no sum exceeds, on this structure."""
    s, size = ground.specification, ground.structure.size
    roots = [e for a in s.actions for e in (*a.guard, *a.updates.values())]
    roots += [e for p in s.properties for e in (p.body, p.after) if e is not None]
    roots += [x.body for x in (*s.axioms, *s.invariant, *s.lemmas)]
    roots += [d.body for d in s.definitions if d.body is not None]
    most = [size + 1, *(v.sort.size(size) for v in s.variables)]
    summands = [0]
    for e in walk(*roots, *s.initial.values(), s.rest):
        if not isinstance(e.sort, FunctionSort):
            most.append(e.sort.size(size))
        if e.op == "const":
            most.append(e.data)
        if e.op == "add":
            summands.append(e.data[0])
    return max(most) + max(summands) + 1
