"""The updates of an action and the initial values, made simple enough to be read, in an order that TLC can follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sagacheck._expr import Expr, FunctionSort, const, make, walk
from sagacheck._specification import Specification
from sagacheck._tla_facts import NOTHING, Facts
from sagacheck._tla_reduce import Reducer, primed, substitute

__all__ = ["initial_values", "reduced_updates", "settled_updates"]


def _trivial(e: Expr) -> bool:
    if e.op == "lambda":
        return _trivial(e.args[1])
    return e.op in ("const", "var", "bound", "element", "some", "first", "following") or (
        e.op == "apply" and e.args[0].op == "var"
    )


def reduced_updates(
    guard: Iterable[Expr], updates: Mapping[str, Expr], names: dict[int, str]
) -> tuple[list[tuple[str, Expr]], Facts]:
    """The updates of an action, simpler, in an order in which each new value is there before it is read.

    A variable whose update leaves it as it is, is left out. Also returns what the guard says.
    """
    finals: dict[int, Expr] = {}
    for name, e in updates.items():
        if not _trivial(e):
            finals.setdefault(e.uid, primed(name, e.sort))
    facts = Facts({}, {})
    for g in guard:
        facts = facts.assume(g, True)
    # First without what the guard says, which makes chains of what the text nests; then with it.
    plain = Reducer(finals, contextual=False, names=names)
    chains = {name: plain.root(e, name, NOTHING) for name, e in updates.items()}
    return settled_updates(chains, facts, names), facts


def settled_updates(updates: Mapping[str, Expr], facts: Facts, names: dict[int, str]) -> list[tuple[str, Expr]]:
    """The updates where something is known, in an order in which each new value is there before it is read."""
    reducer = Reducer(names=names)
    result = {name: reducer.reduce(e, facts) for name, e in updates.items()}
    kept = {n: e for n, e in result.items() if not (e.op == "var" and e.data == n)}
    plain = {primed(n, e.sort).uid: e for n, e in result.items() if n not in kept or e.op == "const"}
    if any(x.uid in plain for e in kept.values() for x in walk(e)):
        return settled_updates({n: substitute(e, plain, names) for n, e in kept.items()}, facts, names)
    finals: dict[int, Expr] = {}
    for n, e in kept.items():
        if isinstance(e.sort, FunctionSort) and not _trivial(e):
            finals.setdefault(e.uid, primed(n, e.sort))
    again = Reducer(finals, contextual=False, names=names)
    return _ordered({n: again.root(e, n, NOTHING) for n, e in kept.items()})


def _ordered(updates: Mapping[str, Expr]) -> list[tuple[str, Expr]]:
    waiting = dict(updates)
    result: list[tuple[str, Expr]] = []
    while waiting:
        name = next(n for n, e in waiting.items() if not ({x.data for x in walk(e) if x.op == "primed"} & set(waiting)))
        result.append((name, waiting.pop(name)))
    return result


def initial_values(s: Specification) -> list[tuple[str, Expr]]:
    """The initial value of each variable: its own, with what makes the initial state read on top of it."""
    own = {v.name: const(v.initial, v.sort) for v in s.variables}
    reducer = Reducer(values=own)
    result: list[tuple[str, Expr]] = []
    for v in s.variables:
        e = s.initial.get(v.name, make("var", (), v.name, v.expression_sort))
        result.append((v.name, reducer.reduce(e)))
    return result
