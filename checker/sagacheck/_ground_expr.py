"""Ground expressions: what is left of an expression of the specification once it is unrolled over a structure.

They speak of codes in slots (a few bits of the packed state each) and are simplified and interned as they are made.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sagacheck._specification import Variable

__all__ = ["Ground", "GroundTable", "Slot", "evaluate"]


@dataclass(frozen=True)
class Slot:
    """The bits of one variable at one element (None for a scalar)."""

    variable: Variable
    element: int | None
    offset: int
    width: int

    @property
    def mask(self) -> int:
        """Its bits in a state."""
        return ((1 << self.width) - 1) << self.offset


class Ground:
    """A ground expression: const, slot, not, and, or, eq, lt, add, ite over codes; truth is 0 or 1."""

    __slots__ = ("args", "data", "op", "support", "uid")

    def __init__(self, op: str, args: tuple[Ground, ...], data: object, support: int, uid: int) -> None:
        self.op = op
        self.args = args
        self.data = data
        self.support = support  # the bits of a state that it reads
        self.uid = uid


class GroundTable:
    """Makes ground expressions, simplified and interned."""

    def __init__(self) -> None:
        self._table: dict[tuple[object, ...], Ground] = {}
        self.false = self.const(0)
        self.true = self.const(1)

    def make(self, op: str, args: tuple[Ground, ...], data: object, own: int = 0) -> Ground:
        """The expression with these parts; the same object each time."""
        key = (op, tuple(a.uid for a in args), data)
        found = self._table.get(key)
        if found is None:
            support = own
            for a in args:
                support |= a.support
            found = self._table[key] = Ground(op, args, data, support, len(self._table))
        return found

    def const(self, code: int) -> Ground:
        """A code."""
        return self.make("const", (), int(code))

    def slot(self, slot: Slot) -> Ground:
        """The code in a slot."""
        return self.make("slot", (), slot, slot.mask) if slot.width else self.const(0)

    def negation(self, a: Ground) -> Ground:
        """Not a."""
        if a.op == "const":
            return self.false if a.data else self.true
        return a.args[0] if a.op == "not" else self.make("not", (a,), None)

    def junction(self, op: str, parts: Iterable[Ground]) -> Ground:
        """The conjunction ("and") or disjunction ("or") of the parts."""
        unit, zero = (self.true, self.false) if op == "and" else (self.false, self.true)
        kept: dict[int, Ground] = {}
        for part in parts:
            for p in part.args if part.op == op else (part,):
                if p is zero:
                    return zero
                if p is not unit:
                    kept[p.uid] = p
        if any(p.args[0].uid in kept for p in kept.values() if p.op == "not"):
            return zero
        flat = tuple(kept[k] for k in sorted(kept))
        return unit if not flat else flat[0] if len(flat) == 1 else self.make(op, flat, None)

    def equal(self, a: Ground, b: Ground) -> Ground:
        """A = b."""
        if a is b:
            return self.true
        if a.op == "const":
            a, b = b, a
        if a.op == "const":
            return self.false
        if b.op == "const":
            if a.op == "ite":
                return self.choice(a.args[0], self.equal(a.args[1], b), self.equal(a.args[2], b))
            if isinstance(a.data, Slot) and isinstance(b.data, int) and b.data >= 1 << a.data.width:
                return self.false
        elif a.uid > b.uid:
            a, b = b, a
        return self.make("eq", (a, b), None)

    def choice(self, test: Ground, a: Ground, b: Ground) -> Ground:
        """A truth value: a where the test is true, b where it is false."""
        if test.op == "const":
            return a if test.data else b
        if a is b:
            return a
        if a is self.true or b is self.false:
            return self.junction("or", (test, b)) if a is self.true else self.junction("and", (test, a))
        if a is self.false or b is self.true:
            other = self.negation(test)
            return self.junction("and", (other, b)) if a is self.false else self.junction("or", (other, a))
        return self.make("ite", (test, a, b), None)

    def value_choice(self, test: Ground, a: Ground, b: Ground) -> Ground:
        """A code that is no truth value: a where the test is true, b where it is false."""
        if test.op == "const":
            return a if test.data else b
        if test.op == "not":
            test, a, b = test.args[0], b, a
        return a if a is b else self.make("ite", (test, a, b), None)


def evaluate(g: Ground, state: int) -> int:
    """The code of a ground expression in a state; slow and plain, for single questions."""
    codes: dict[int, int] = {}
    stack = [(g, False)]
    while stack:
        x, ready = stack.pop()
        if ready:
            codes[x.uid] = _evaluated(x, state, [codes[a.uid] for a in x.args])
        elif x.uid not in codes:
            stack.append((x, True))
            stack.extend((a, False) for a in x.args)
    return codes[g.uid]


def _evaluated(x: Ground, state: int, args: list[int]) -> int:
    match x.op, x.data:
        case "const", int(code):
            return code
        case "slot", Slot() as slot:
            return (state & slot.mask) >> slot.offset
        case "add", (int(step), int() | None as most):
            return args[0] + step if most is None else min(args[0] + step, most)
    match x.op:
        case "not":
            return 1 - args[0]
        case "and":
            return int(all(args))
        case "or":
            return int(any(args))
        case "eq":
            return int(args[0] == args[1])
        case "lt":
            return int(args[0] < args[1])
        case "ite":
            return args[1] if args[0] else args[2]
    raise AssertionError(f"no value of {x.op}")
