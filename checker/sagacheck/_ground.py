"""The ground layer: a specification over one concrete structure, under every reader that does not stay symbolic.

A state is one integer; each variable at each element is a `Slot`, a few of its bits. Quantifiers, functions and
definitions are unrolled into `Ground` expressions over slots, interned, so that the same question is asked once. A
`Step` is one action for concrete elements: a guard and new values of slots. Steps and properties are unrolled when
first used.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sagacheck._errors import InputError, SpecificationError
from sagacheck._expr import Expr, FunctionSort, render, show_code, walk
from sagacheck._ground_expr import Ground, GroundTable, Slot, evaluate
from sagacheck._sorts import BOOL, ElementSort
from sagacheck._specification import Action, Property, Specification
from sagacheck._structure import Structure

__all__ = ["Claim", "GroundSpecification", "Step"]


@dataclass(frozen=True, eq=False)
class _Frame:
    """What bound variables and variables stand for where an expression is read."""

    functions: Mapping[str, tuple[Expr, Mapping[int, Ground], _Frame | None]]
    uid: int


@dataclass(eq=False)
class Step:
    """One action for concrete elements.

    Attributes:
        index: its place in the order of steps: by action, then by elements.
        guard: where it is possible.
    """

    index: int
    action: Action
    elements: tuple[int, ...]
    guard: Ground
    _ground: GroundSpecification

    @functools.cached_property
    def updates(self) -> tuple[tuple[Slot, Ground], ...]:
        """Each slot that may change, with its new value in terms of the state before."""
        return self._ground.unroll_updates(self.action, self.elements)

    @property
    def name(self) -> str:
        """The action with its elements, as shown."""
        labels = ", ".join(self._ground.structure.labels[e] for e in self.elements)
        return f"{self.action.name}({labels})" if labels else self.action.name


@dataclass(frozen=True)
class Claim:
    """One property for one element (None where it has no parameter)."""

    property: Property
    element: int | None
    ground: Ground


class GroundSpecification:
    """A specification on a structure.

    Attributes:
        slots: (variable name, element or None) -> slot.
        steps: every step, in order.
        initial: the initial state.
        bits: the number of bits of a state.

    Raises:
        InputError: the structure lacks a relation, predicate or element that the specification asks for, or definitions
            recurse along one of its relations that has a cycle.
    """

    def __init__(self, specification: Specification, structure: Structure) -> None:
        if specification.recursion in structure.relations and not structure.well_founded(str(specification.recursion)):
            raise InputError(f"`{specification.recursion}` has a cycle on the structure {structure.name}")
        self.specification = specification
        self.structure = structure
        self.table = GroundTable()
        self._memo: dict[tuple[int, tuple[int, ...], int], Ground] = {}
        self._free: dict[int, tuple[int, ...]] = {}
        self._frames = itertools.count(1)
        self.slots, self.bits = self._layout()
        start = sum(slot.variable.initial << slot.offset for slot in self.slots.values())
        self.initial = self.apply(start, self.unroll(specification.initial, {}))
        self.steps = tuple(self._steps())

    def _layout(self) -> tuple[dict[tuple[str, int | None], Slot], int]:
        size = self.structure.size
        slots: dict[tuple[str, int | None], Slot] = {}
        offset = 0
        for element in [*range(size), None]:
            for v in self.specification.variables:
                if v.per_element == (element is not None):
                    width = (v.sort.size(size) - 1).bit_length()
                    slots[v.name, element] = Slot(v, element, offset, width)
                    offset += width
        return slots, offset

    def _steps(self) -> Iterator[Step]:
        index = itertools.count()
        for action in self.specification.actions:
            for elements in self._tuples(action):
                binding = {p.uid: self.table.const(e) for p, e in zip(action.params, elements, strict=True)}
                guard = self.table.junction("and", (self.value(g, binding) for g in action.guard))
                if guard is not self.table.false:
                    yield Step(next(index), action, elements, guard, self)

    def _tuples(self, action: Action) -> Iterator[tuple[int, ...]]:
        if not action.params:
            yield ()
            return
        for n in range(self.structure.size):
            if len(action.params) == 1:
                yield (n,)
            else:
                yield from ((n, p) for p in self._related(str(action.over), n))

    def _related(self, relation: str, anchor: int) -> tuple[int, ...]:
        try:
            return self.structure.relations[relation][anchor]
        except KeyError:
            raise InputError(f"the structure {self.structure.name} has no relation `{relation}`") from None

    def _ordered(self, e: Expr, elements: list[int]) -> int:
        """The code of the optional element that comes first, or next, in a relation's order."""
        related = self._related(e.data, elements[0])
        if e.op == "following" and elements[1] not in related:
            return 0
        at = 0 if e.op == "first" else related.index(elements[1]) + 1
        return related[at] + 1 if at < len(related) else 0

    def unroll_updates(self, action: Action, elements: tuple[int, ...]) -> tuple[tuple[Slot, Ground], ...]:
        """The new values of slots when the action is taken for these elements."""
        binding = {p.uid: self.table.const(e) for p, e in zip(action.params, elements, strict=True)}
        return self.unroll(action.updates, binding)

    def unroll(self, updates: Mapping[str, Expr], binding: Mapping[int, Ground]) -> tuple[tuple[Slot, Ground], ...]:
        """Variable updates as updates of slots; slots that cannot change are left out."""
        result: list[tuple[Slot, Ground]] = []
        with _deep_recursion():
            for name, e in updates.items():
                for element in self._changed(e, binding):
                    slot = self.slots[name, element]
                    new = self._value(e, binding, None) if element is None else self._at(e, element, binding, None)
                    if slot.width and new is not self.table.slot(slot):
                        result.append((slot, new))
        return tuple(sorted(result, key=lambda update: update[0].offset))

    def _changed(self, e: Expr, binding: Mapping[int, Ground]) -> Iterable[int | None]:
        """The elements at which a new function may differ from the old one; None for a scalar."""
        if not isinstance(e.sort, FunctionSort):
            return (None,)
        changed: set[int] = set()
        while e.op == "store":
            index = self._value(e.args[1], binding, None)
            if not isinstance(index.data, int):
                return range(self.structure.size)
            changed.add(index.data)
            e = e.args[0]
        return range(self.structure.size) if e.op == "lambda" else sorted(changed)

    def claims(self, p: Property) -> Iterator[Claim]:
        """The property for each element, or for none."""
        if not p.params:
            yield Claim(p, None, self.value(p.body, {}))
        else:
            for e in range(self.structure.size):
                yield Claim(p, e, self.value(p.body, {p.params[0].uid: self.table.const(e)}))

    # Unrolling -------------------------------------------------------------------------------------------------------

    def _free_bounds(self, e: Expr) -> tuple[int, ...]:
        """The uids of the bound variables that occur in e (those that it binds itself included)."""
        found = self._free.get(e.uid)
        if found is None:
            found = self._free[e.uid] = tuple(sorted({x.uid for x in walk(e) if x.op == "bound"}))
        return found

    def value(self, e: Expr, binding: Mapping[int, Ground]) -> Ground:
        """The ground expression of e, given what its bound variables stand for."""
        with _deep_recursion():
            return self._value(e, binding, None)

    def _value(self, e: Expr, binding: Mapping[int, Ground], frame: _Frame | None) -> Ground:
        mine = tuple(binding[u].uid if u in binding else -1 for u in self._free_bounds(e))
        key = (e.uid, mine, frame.uid if frame else 0)
        found = self._memo.get(key)
        if found is None:
            found = self._memo[key] = self._unrolled(e, binding, frame)
        return found

    def _unrolled(self, e: Expr, binding: Mapping[int, Ground], frame: _Frame | None) -> Ground:
        table = self.table
        match e.op:
            case "const":
                return table.const(e.data)
            case "bound":
                return binding[e.uid]
            case "element":
                return table.const(self._named(e.data))
            case "var":
                override = frame.functions.get(e.data) if frame else None
                return self._value(*override) if override else table.slot(self.slots[e.data, None])
            case "apply":
                return self._applied(e, binding, frame)
            case "predicate":
                return table.const(self._predicate(e.data, self._element(e.args[0], binding, frame)))
            case "related":
                anchor, other = (self._element(a, binding, frame) for a in e.args)
                return table.const(other in self._related(e.data, anchor))
            case "first" | "following":
                return table.const(self._ordered(e, [self._element(a, binding, frame) for a in e.args]))
            case "some":
                inner = self._value(e.args[0], binding, frame)
                return (
                    table.const(inner.data + 1)
                    if isinstance(inner.data, int)
                    else table.make("add", (inner,), (1, None))
                )
            case "forall" | "exists":
                bound, within, body = e.args
                some = range(self.structure.size)
                members = (
                    some
                    if within.op == "const"
                    else self._related(within.data, self._element(within.args[0], binding, frame))
                )
                parts = (self._value(body, {**binding, bound.uid: table.const(m)}, frame) for m in members)
                return table.junction("and" if e.op == "forall" else "or", parts)
            case "call":
                return self._called(e, binding, frame)
        args = tuple(self._value(a, binding, frame) for a in e.args)
        match e.op:
            case "not":
                return table.negation(args[0])
            case "and" | "or":
                return table.junction(e.op, args)
            case "eq":
                return table.equal(*args)
            case "ite":
                return table.choice(*args) if e.sort == BOOL else table.value_choice(*args)
            case "lt":
                a, b = args
                return (
                    table.const(a.data < b.data)
                    if isinstance(a.data, int) and isinstance(b.data, int)
                    else table.make("lt", args, None)
                )
            case "add":
                step, most = e.data
                return (
                    table.const(min(args[0].data + step, most))
                    if isinstance(args[0].data, int)
                    else table.make("add", args, e.data)
                )
        raise AssertionError(f"no ground form of {e.op}")

    def _applied(self, e: Expr, binding: Mapping[int, Ground], frame: _Frame | None) -> Ground:
        index = self._value(e.args[1], binding, frame)
        if isinstance(index.data, int):
            return self._at(e.args[0], index.data, binding, frame)
        choose = self.table.choice if e.sort == BOOL else self.table.value_choice
        result = self._at(e.args[0], self.structure.size - 1, binding, frame)
        for n in reversed(range(self.structure.size - 1)):
            result = choose(
                self.table.equal(index, self.table.const(n)), self._at(e.args[0], n, binding, frame), result
            )
        return result

    def _at(self, function: Expr, element: int, binding: Mapping[int, Ground], frame: _Frame | None) -> Ground:
        """The value of a function at a concrete element."""
        match function.op:
            case "var":
                override = frame.functions.get(function.data) if frame else None
                if override:
                    return self._at(override[0], element, override[1], override[2])
                return self.table.slot(self.slots[function.data, element])
            case "lambda":
                bound, body = function.args
                return self._value(body, {**binding, bound.uid: self.table.const(element)}, frame)
            case "store":
                inner, index, new = function.args
                where = self._value(index, binding, frame)
                if isinstance(where.data, int):
                    same = where.data == element
                    return self._value(new, binding, frame) if same else self._at(inner, element, binding, frame)
                hit = self.table.equal(where, self.table.const(element))
                choose = self.table.choice if new.sort == BOOL else self.table.value_choice
                return choose(hit, self._value(new, binding, frame), self._at(inner, element, binding, frame))
        raise AssertionError(f"no function {function.op}")

    def _called(self, e: Expr, binding: Mapping[int, Ground], frame: _Frame | None) -> Ground:
        definition, so_far = e.data
        inside = {p.uid: self._value(a, binding, frame) for p, a in zip(definition.params, e.args, strict=True)}
        if so_far:
            outer = dict(frame.functions) if frame else {}
            outer.update({name: (function, binding, frame) for name, function in so_far})
            frame = self._frame(e, outer, binding, frame)
        assert definition.body is not None
        return self._value(definition.body, inside, frame)

    def _frame(
        self,
        e: Expr,
        functions: Mapping[str, tuple[Expr, Mapping[int, Ground], _Frame | None]],
        binding: Mapping[int, Ground],
        outer: _Frame | None,
    ) -> _Frame:
        """One frame for equal functions so far, so that what is read in it is memoised."""
        used = sorted({u for _, f in e.data[1] for u in self._free_bounds(f)})
        named = tuple((name, f.uid) for name, f in e.data[1])
        key = (named, tuple(binding[u].uid if u in binding else -1 for u in used), outer.uid if outer else 0)
        return self._interned_frames.setdefault(key, _Frame(functions, next(self._frames)))

    @functools.cached_property
    def _interned_frames(self) -> dict[tuple[object, ...], _Frame]:
        return {}

    def _element(self, e: Expr, binding: Mapping[int, Ground], frame: _Frame | None) -> int:
        found = self._value(e, binding, frame)
        if not isinstance(found.data, int):
            problem = (
                f"`{render(e)}` depends on the state, but names the element whose relation or predicate is asked for"
            )
            raise SpecificationError(problem, *e.origin)
        return found.data

    def _named(self, name: str) -> int:
        try:
            return self.structure.elements[name]
        except KeyError:
            raise InputError(f"the structure {self.structure.name} has no element named `{name}`") from None

    def _predicate(self, name: str, element: int) -> bool:
        try:
            return self.structure.predicates[name][element]
        except KeyError:
            raise InputError(f"the structure {self.structure.name} has no predicate `{name}`") from None

    # States ----------------------------------------------------------------------------------------------------------

    def evaluate(self, g: Ground, state: int) -> int:
        """The code of a ground expression in a state; slow and plain, for single questions."""
        return evaluate(g, state)

    def apply(self, state: int, updates: Iterable[tuple[Slot, Ground]]) -> int:
        """The state after these updates; slow and plain."""
        after = state
        for slot, new in updates:
            after = after & ~slot.mask | self.evaluate(new, state) << slot.offset
        return after

    def show(self, slot: Slot, state: int) -> str:
        """The value in a slot, as the specification spells it."""
        code = (state & slot.mask) >> slot.offset
        sort = slot.variable.sort
        if isinstance(sort, ElementSort) and (code or not sort.optional):
            return self.structure.labels[code - sort.optional]
        return show_code(code, sort)


@contextlib.contextmanager
def _deep_recursion() -> Iterator[None]:
    """Room for definitions that recurse along a long structure; nobody else's limit is touched for longer."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, 200_000))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
