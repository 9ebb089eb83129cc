"""The handlers that `sagacheck._front` makes the text of a specification call: conditions, comparisons, loops.

Each does what plain Python would where no value of the state is involved, and builds an expression, or reads on under a
condition, where one is.
"""

from __future__ import annotations

import enum
import itertools
import operator
from collections.abc import Callable, Iterator
from typing import Any

from sagacheck._expr import (
    FALSE,
    TRUE,
    Expr,
    FunctionSort,
    apply,
    conjunction,
    const,
    disjunction,
    equal,
    fresh_bound,
    ite,
    less,
    make,
    negation,
)
from sagacheck._sorts import BOOL, ELEMENT, OPTIONAL_ELEMENT, EnumSort, RangeSort, Sort
from sagacheck._tracing import Elements, boolean, current, lift, mistake, symbolic

__all__ = ["Choice", "all_of", "any_of", "choose", "compare", "loop", "named", "negate", "plus", "quantify", "test"]

_CHOICES = itertools.count()


def all_of(*thunks: Callable[[], Any]) -> Any:
    """`a and b and ...`."""
    return _junction(thunks, stop=False, join=conjunction, word="and")


def any_of(*thunks: Callable[[], Any]) -> Any:
    """`a or b or ...`."""
    return _junction(thunks, stop=True, join=disjunction, word="or")


def _junction(thunks: tuple[Callable[[], Any], ...], stop: bool, join: Callable[[Any], Expr], word: str) -> Any:
    parts: list[Expr] = []
    value: Any = not stop
    for thunk in thunks:
        value = thunk()
        if symbolic(value):
            parts.append(boolean(value, f"an operand of `{word}`"))
        elif bool(value) is stop:
            return join([*parts, const(stop, BOOL)]) if parts else value
    return join(parts) if parts else value


def negate(value: Any) -> Any:
    """`not a`."""
    return negation(boolean(value, "the operand of `not`")) if symbolic(value) else not value


_PLAIN: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda a, b: a in b,
    "not in": lambda a, b: a not in b,
}


def compare(op: str, a: Any, b: Any, name: str = "") -> Any:
    """`a op b`, symbolic where a or b is; `name` is what the text calls a container b."""
    if op in ("in", "not in"):
        if not symbolic(a, b) and not (isinstance(b, tuple | list | set | frozenset) and symbolic(*b)):
            return _PLAIN[op](a, b)
        if isinstance(b, Elements):
            found = b.range(lift(a, ELEMENT, "the left side of `in`"))
        elif isinstance(b, set | frozenset):
            found = disjunction([_same(a, x) for x in sorted(b, key=_member_order)])
        else:
            found = disjunction([_same(a, x) for x in b])
            if name and b and all(isinstance(x, enum.Enum) for x in b):
                sort = EnumSort(type(b[0]))
                current().sets.setdefault((sort, frozenset(map(sort.code, b))), name)
        return negation(found) if op == "not in" else found
    if not symbolic(a, b):
        return _PLAIN[op](a, b)
    if op in ("==", "!="):
        return _same(a, b) if op == "==" else negation(_same(a, b))
    left, right = _paired(a, b)
    if not isinstance(left.sort, RangeSort | EnumSort):
        mistake(f"values of the sort {left.sort} have no order")
    lower, upper = (left, right) if op in ("<", ">=") else (right, left)
    return less(lower, upper) if op in ("<", ">") else negation(less(lower, upper))


def plus(a: Any, b: Any) -> Any:
    """`a + b`; on the state, a bounded integer and a plain one, and the sum stays at the upper bound."""
    if not symbolic(a, b):
        return a + b
    if not isinstance(a, Expr) or not isinstance(a.sort, RangeSort) or not isinstance(b, int) or b < 0:
        mistake("only a whole number that is not negative can be added, to a bounded integer of the state")
    return make("add", (a,), (b, a.sort.high - a.sort.low), a.sort)


def _member_order(value: Any) -> tuple[str, int]:
    return (type(value).__name__, list(type(value)).index(value) if isinstance(value, enum.Enum) else int(value))


def _paired(a: Any, b: Any) -> tuple[Expr, Expr]:
    first, second = (a, b) if isinstance(a, Expr) else (b, a)
    left = lift(first, None, "a comparison")
    assert not isinstance(left.sort, FunctionSort)
    wanted: Sort = left.sort
    if wanted == ELEMENT and (second is None or (isinstance(second, Expr) and second.sort == OPTIONAL_ELEMENT)):
        wanted = OPTIONAL_ELEMENT
        left = lift(left, wanted, "a comparison")
    right = lift(second, wanted, "one side of a comparison")
    return (left, right) if first is a else (right, left)


def _same(a: Any, b: Any) -> Expr:
    return equal(*_paired(a, b))


def choose(test: Any, a: Callable[[], Any], b: Callable[[], Any]) -> Any:
    """`a if test else b`."""
    if not symbolic(test):
        return a() if test else b()
    condition = boolean(test, "the condition of `if`")
    first, second = a(), b()
    left, right = _paired(first, second) if symbolic(first, second) else (lift(first, None, "a value"), None)
    if right is None:
        assert not isinstance(left.sort, FunctionSort)
        right = lift(second, left.sort, "the value of `else`")
    return ite(condition, left, right)


def quantify(word: str, name: str, elements: Any, within: Callable[[Any], Any], body: Callable[[Any], Any]) -> Any:
    """`all(body for name in elements if within)`, or `any(...)`."""
    every = word == "all"
    if not isinstance(elements, Elements):
        found = [
            choose(within(x), lambda x=x: body(x), lambda: every)  # type: ignore[misc]
            for x in elements
        ]
        return (all_of if every else any_of)(*[lambda f=f: f for f in found]) if found else every
    bound = fresh_bound(name)
    range_ = elements.range(bound)
    condition = boolean(within(bound), "the condition of a quantifier")
    claim = boolean(body(bound), f"the body of {word}(...)")
    inner = disjunction((negation(condition), claim)) if every else conjunction((condition, claim))
    if inner is (TRUE if every else FALSE):
        return inner
    return make("forall" if every else "exists", (bound, range_, inner), None, BOOL)


def loop(name: str, elements: Any) -> Iterator[Any]:
    """`for name in elements:`, once for all elements at the same time."""
    if not isinstance(elements, Elements):
        yield from elements
        return
    tracer = current()
    bound = fresh_bound(name)
    before = dict(tracer.state)
    tracer.loops.append((bound, elements.range(bound)))
    yield bound
    _, range_ = tracer.loops.pop()
    tracer.left.add(bound.uid)
    for variable, after in tracer.state.items():
        start = before[variable]
        if after is not start:
            value = ite(range_, apply(after, bound), apply(start, bound))
            tracer.state[variable] = make("lambda", (bound, value), None, start.sort)


def named(name: str, value: Any) -> Any:
    """`name = value`: readers that write the specification anew may call it by that name."""
    if isinstance(value, Expr):
        current().names.setdefault(value.uid, name)
    return value


class Choice:
    """One `if`: which of its branches are read, and under which condition."""

    def __init__(self, condition: Expr | bool) -> None:
        self._condition = condition
        self._number = next(_CHOICES)

    def then(self) -> bool:
        """Enter the first branch; whether to read it."""
        return self._enter(self._condition, True)

    def otherwise(self) -> bool:
        """Enter the else branch; whether to read it."""
        return self._enter(
            negation(self._condition) if isinstance(self._condition, Expr) else not self._condition, False
        )

    def _enter(self, condition: Expr | bool, side: bool) -> bool:
        if isinstance(condition, bool):
            return condition
        tracer = current()
        tracer.path.append(condition)
        tracer.branches[self._number] = side
        return True

    def end(self) -> None:
        """Leave the branch."""
        if isinstance(self._condition, Expr):
            tracer = current()
            tracer.path.pop()
            del tracer.branches[self._number]


def test(condition: Any, assigned: tuple[str, ...]) -> Choice:
    """The condition of an `if` one of whose branches assigns local names that occur outside of it."""
    if not symbolic(condition):
        return Choice(bool(condition))
    if assigned:
        mistake(f"`{assigned[0]}` is assigned under a condition on the state; use `a if condition else b`")
    return Choice(boolean(condition, "the condition of `if`"))
