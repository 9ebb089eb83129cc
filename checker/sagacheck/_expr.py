"""Expressions: the one form in which a specification is kept, for every reader.

An expression is an immutable tree whose equal subtrees are one object (interned), so that identity is equality and
every walk can be memoised on `uid`. Quantifiers, functions of elements and calls of definitions stay symbolic; a reader
that wants them gone unrolls them over a concrete structure. Truth value, `==` and hash of an expression are refused
to Python, because asking for one is a mistake in a specification: an engine compares with `is` and keys on `uid`.

Operators (`op`), with their `args` and `data`:

    const       data: code                            a value of any sort
    var         data: variable name                   a scalar variable, or a whole function of elements
    bound       data: (name, number)                  bound by a quantifier, a loop, an action, a definition
    element     data: name                            an element that the structure names
    apply       args: function, element               the value of a function at an element
    predicate   args: element; data: name             a predicate of the structure
    related     args: anchor, element; data: relation element is among relation(anchor)
    first       args: anchor; data: relation          the first element of relation(anchor), or None
    following   args: anchor, element; data: relation the one after element in relation(anchor), or None
    some        args: element                         an element where an optional one is wanted
    not, and, or, eq, lt, ite                         as usual
    add         args: a; data: (summand, most)        a + summand, in codes, but at most `most`
    forall      args: bound, range, body              range: `related` or true (all elements)
    exists      args: bound, range, body              likewise
    call        args: actual arguments; data: (definition, ((variable, function so far), ...))
    lambda      args: bound, body                     a function of elements
    store       args: function, element, value        that function, changed at one element
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

from sagacheck._place import here
from sagacheck._sorts import BOOL, ELEMENT, ElementSort, EnumSort, RangeSort, Sort

__all__ = [
    "FALSE",
    "TRUE",
    "Expr",
    "FunctionSort",
    "apply",
    "conjunction",
    "const",
    "disjunction",
    "equal",
    "fresh_bound",
    "ite",
    "less",
    "make",
    "negation",
    "render",
    "store",
    "walk",
]


@dataclass(frozen=True)
class FunctionSort:
    """Functions from the elements of the structure to a sort."""

    result: Sort

    def __str__(self) -> str:
        return f"function of elements to {self.result}"


class Expr:
    """One interned expression; see the module's docstring for its operators. Made by the functions of this module.

    Attributes:
        origin: file and line of the text that first made it.
    """

    __slots__ = ("__weakref__", "args", "data", "op", "origin", "sort", "uid")

    def __init__(
        self, op: str, args: tuple[Expr, ...], data: Any, sort: Sort | FunctionSort, uid: int, origin: tuple[str, int]
    ) -> None:
        self.op = op
        self.args = args
        self.data = data
        self.sort = sort
        self.uid = uid
        self.origin = origin

    def __bool__(self) -> bool:
        raise TypeError(
            f"a state condition ({render(self)}) is used where Python needs a plain truth value; "
            "mark the function with @define, @procedure, @action or a property decorator"
        )

    def __eq__(self, other: object) -> bool:
        raise TypeError(
            f"{render(self)} of the state is compared in plain Python; "
            "mark the function with @define, @procedure, @action or a property decorator"
        )

    def __hash__(self) -> int:
        raise TypeError(
            f"{render(self)} of the state is looked up in plain Python; "
            "mark the function with @define, @procedure, @action or a property decorator"
        )

    def __repr__(self) -> str:
        return f"<Expr {render(self)}>"


_TABLE: WeakValueDictionary[tuple[Any, ...], Expr] = WeakValueDictionary()
_UIDS = itertools.count()
_BOUNDS = itertools.count()


def make(op: str, args: tuple[Expr, ...], data: Any, sort: Sort | FunctionSort) -> Expr:
    """The expression with these parts; the same object each time."""
    said = (data[0], tuple((name, f.uid) for name, f in data[1])) if op == "call" else data
    key = (op, tuple(a.uid for a in args), said, sort)
    found = _TABLE.get(key)
    if found is None:
        found = _TABLE[key] = Expr(op, args, data, sort, next(_UIDS), here())
    return found


def const(code: int, sort: Sort) -> Expr:
    """The value of `sort` with that code."""
    return make("const", (), int(code), sort)


FALSE = const(0, BOOL)
TRUE = const(1, BOOL)


def fresh_bound(name: str, sort: Sort = ELEMENT) -> Expr:
    """A bound variable that is different from every other one."""
    return make("bound", (), (name, next(_BOUNDS)), sort)


def negation(a: Expr) -> Expr:
    """Not a."""
    if a.op == "const":
        return FALSE if a.data else TRUE
    return a.args[0] if a.op == "not" else make("not", (a,), None, BOOL)


def _junction(op: str, parts: Iterable[Expr], unit: Expr, zero: Expr) -> Expr:
    kept: dict[int, Expr] = {}
    for part in parts:
        for p in part.args if part.op == op else (part,):
            if p is zero:
                return zero
            if p is not unit:
                kept[p.uid] = p
    if any(negation(p).uid in kept for p in kept.values() if p.op == "not"):
        return zero
    flat = tuple(kept.values())
    return unit if not flat else flat[0] if len(flat) == 1 else make(op, flat, None, BOOL)


def conjunction(parts: Iterable[Expr]) -> Expr:
    """All of them; true of none."""
    return _junction("and", parts, TRUE, FALSE)


def disjunction(parts: Iterable[Expr]) -> Expr:
    """Any of them; false of none."""
    return _junction("or", parts, FALSE, TRUE)


def equal(a: Expr, b: Expr) -> Expr:
    """A = b, two expressions of one sort."""
    if a is b:
        return TRUE
    if a.op == "const" and b.op == "const" and a.sort == b.sort:
        return TRUE if a.data == b.data else FALSE
    if a.sort == BOOL and (a is TRUE or b is TRUE):
        return b if a is TRUE else a
    if a.sort == BOOL and (a is FALSE or b is FALSE):
        return negation(b if a is FALSE else a)
    return make("eq", (a, b) if a.op != "const" else (b, a), None, BOOL)


def less(a: Expr, b: Expr) -> Expr:
    """The code of a is less than that of b."""
    if a.op == "const" and b.op == "const":
        return TRUE if a.data < b.data else FALSE
    return make("lt", (a, b), None, BOOL)


def ite(test: Expr, a: Expr, b: Expr) -> Expr:
    """A where the test is true, b where it is false."""
    if test is TRUE or a is b:
        return a
    if test is FALSE:
        return b
    if a.sort == BOOL:
        if a is TRUE or b is FALSE:
            return disjunction((test, b)) if a is TRUE else conjunction((test, a))
        if a is FALSE or b is TRUE:
            other = negation(test)
            return conjunction((other, b)) if a is FALSE else disjunction((other, a))
    return make("ite", (test, a, b), None, a.sort)


def apply(function: Expr, element: Expr) -> Expr:
    """The value of a function at an element."""
    if function.op == "store" and function.args[1] is element:
        return function.args[2]
    assert isinstance(function.sort, FunctionSort)
    return make("apply", (function, element), None, function.sort.result)


def store(function: Expr, element: Expr, value: Expr) -> Expr:
    """A function that differs from `function` at most at one element."""
    if function.op == "store" and function.args[1] is element:
        function = function.args[0]
    if value is apply(function, element):
        return function
    return make("store", (function, element, value), None, function.sort)


def walk(*roots: Expr) -> Iterable[Expr]:
    """Every subexpression once, the arguments before what they are in; functions that calls carry included."""
    seen: set[int] = set()
    stack: list[tuple[Expr, bool]] = [(r, False) for r in reversed(roots)]
    while stack:
        e, ready = stack.pop()
        if ready:
            yield e
        elif e.uid not in seen:
            seen.add(e.uid)
            stack.append((e, True))
            stack.extend((a, False) for a in reversed(e.args))
            if e.op == "call":
                stack.extend((f, False) for _, f in e.data[1])


def show_code(code: int, sort: Sort | FunctionSort) -> str:
    """A value as the specification spells it."""
    if isinstance(sort, EnumSort):
        return sort.member(code).name
    if isinstance(sort, RangeSort):
        return str(code + sort.low)
    if isinstance(sort, ElementSort):
        return "None"
    return "True" if code else "False"


_INFIX = {"eq": "=", "lt": "<", "and": "and", "or": "or"}
_LONGEST = 2000  # parts of an expression that are printed: as a tree, one that shares its parts may be astronomical


def render(e: Expr) -> str:
    """The expression in a form close to the text of the specification; what is past 2000 parts reads "..."."""
    return _Printer().text(e)


class _Printer:
    def __init__(self) -> None:
        self.left = _LONGEST

    def text(self, e: Expr) -> str:
        self.left -= 1
        if self.left < 0:
            return "..."
        if e.op in ("forall", "exists"):
            return self._quantifier(e)
        if e.op == "not" and e.args[0].op == "eq":
            return " != ".join(self.text(a) for a in e.args[0].args)
        return self._plain(e, [self.text(a) for a in e.args])

    def _quantifier(self, e: Expr) -> str:
        bound, within, body = e.args
        where = "elements()" if within is TRUE else f"{within.data}({self.text(within.args[0])})"
        return f"{'all' if e.op == 'forall' else 'any'}({self.text(body)} for {self.text(bound)} in {where})"

    @staticmethod
    def _plain(e: Expr, args: list[str]) -> str:
        match e.op:
            case "const":
                return show_code(e.data, e.sort)
            case "var" | "element":
                return str(e.data)
            case "bound":
                return str(e.data[0])
            case "apply":
                return f"{args[0]}[{args[1]}]"
            case "predicate":
                return f"{e.data}({args[0]})"
            case "related":
                return f"{args[1]} in {e.data}({args[0]})"
            case "first" | "following":
                return f"{e.data}.{e.op}({', '.join(args)})"
            case "some":
                return args[0]
            case "not":
                return f"not {args[0]}"
            case "add":
                return f"{args[0]} + {e.data[0]}"
            case "ite":
                return f"({args[1]} if {args[0]} else {args[2]})"
            case "call":
                return f"{e.data[0].name}({', '.join(args)})"
            case "lambda":
                return f"[{args[0]} -> {args[1]}]"
            case "store":
                return f"[{args[0]} with {args[1]} -> {args[2]}]"
        return "(" + f" {_INFIX[e.op]} ".join(args) + ")"
