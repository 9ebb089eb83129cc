"""The updates of an action, split into cases where that makes them shorter.

A text that does one thing under a condition and another thing elsewhere gives every variable an update in which that
condition occurs. Where splitting the action on the condition makes the updates shorter altogether, it reads better, and
is what a person would have written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sagacheck._expr import Expr, conjunction, negation, walk
from sagacheck._tla_facts import Facts
from sagacheck._tla_share import Weights
from sagacheck._tla_updates import settled_updates

__all__ = ["Plan", "Updates", "split"]

Updates = list[tuple[str, Expr]]

_LONG = 350  # about so many characters of updates are worth a thought
_MOST_TRIED = 8
_WORTH = 0.97  # a split that makes them shorter than by this factor is made


@dataclass(frozen=True)
class Plan:
    """Updates in their order: the first, then those of one of two cases, then the last, which read what the cases made.

    Attributes:
        test: what tells the cases apart; None where there are none.
        changed: the variables that one of the cases changes.
    """

    first: Updates
    test: Expr | None = None
    then: Plan | None = None
    other: Plan | None = None
    last: Updates = field(default_factory=list)
    changed: tuple[str, ...] = ()

    def expressions(self) -> Iterator[Expr]:
        """All expressions in it."""
        yield from (e for _, e in self.first)
        if self.test is not None and self.then is not None and self.other is not None:
            yield self.test
            yield from self.then.expressions()
            yield from self.other.expressions()
        yield from (e for _, e in self.last)

    def variables(self) -> set[str]:
        """The variables that are changed in some case."""
        return {v for v, _ in (*self.first, *self.last)} | set(self.changed)


def split(updates: Updates, facts: Facts, weights: Weights, names: dict[int, str]) -> Plan:
    """Updates (of which something is known) as a plan."""
    before = sum(weights.of(e) for _, e in updates)
    if before < _LONG or len(updates) < 2:
        return Plan(updates)
    best: tuple[int, Expr, dict[str, Expr], dict[str, Expr]] | None = None
    for test in _candidates([e for _, e in updates], weights):
        then = dict(settled_updates(dict(updates), facts.assume(test, True), names))
        other = dict(settled_updates(dict(updates), facts.assume(test, False), names))
        cost = weights.of(test)
        for v, _ in updates:
            a, b = then.get(v), other.get(v)
            cost += sum(weights.of(e) for e in ({a.uid: a} if a is b and a is not None else {
                id(x): x for x in (a, b) if x is not None}).values())  # fmt: skip
        if best is None or cost < best[0]:
            best = (cost, test, then, other)
    if best is None or best[0] > _WORTH * before:
        return Plan(updates)
    _, test, then, other = best
    if test.op == "not":
        test, then, other = test.args[0], other, then
    return _planned(updates, test, then, other, facts, weights, names)


def _planned(
    updates: Updates,
    test: Expr,
    then: dict[str, Expr],
    other: dict[str, Expr],
    facts: Facts,
    weights: Weights,
    names: dict[int, str],
) -> Plan:
    same = [v for v, _ in updates if v in then and v in other and then[v] is other[v]]
    cases = [v for v, _ in updates if v not in same]
    late: set[str] = set()
    for v in same:  # in their order: what reads what the cases make, and what reads that
        if _primes(then[v]) & (set(cases) | late):
            late.add(v)
    early = {v for v in same if v not in late}
    needed_late = {v for v in cases if (_primes(then.get(v)) | _primes(other.get(v))) & late}
    if needed_late:  # a case reads what can only come after the cases
        return Plan(updates)
    branches = [
        split([(v, e) for v, e in branch.items() if v in cases], facts.assume(test, truth), weights, names)
        for branch, truth in ((then, True), (other, False))
    ]
    changed = tuple(v for v in cases if v in then or v in other)
    firsts = [(v, then[v]) for v in then if v in early]
    lasts = [(v, then[v]) for v in then if v in late]
    return Plan(firsts, test, branches[0], branches[1], lasts, changed)


def _primes(e: Expr | None) -> set[str]:
    return set() if e is None else {x.data for x in walk(e) if x.op == "primed"}


def _candidates(roots: Sequence[Expr], weights: Weights) -> list[Expr]:
    """Conditions on which the updates might be split, those that occur often first."""
    inside = {e.args[0].uid for e in walk(*roots) if e.op in ("forall", "exists", "lambda")}
    counts: Counter[int] = Counter()
    known: dict[int, Expr] = {}

    def note(e: Expr) -> None:
        plain = negation(e) if e.op == "not" else e
        if plain.op != "const" and not weights.free(plain) & inside and not _primes(plain):
            known[plain.uid] = plain
            counts[plain.uid] += 1

    for root in roots:
        for e in walk(root):
            if e.op in ("and", "or") or (e.op == "ite" and e.args[0].op != "and"):
                for a in e.args if e.op != "ite" else e.args[:1]:
                    note(a)
            if e.op == "and" and len(e.args) > 1:
                note(conjunction(e.args[:2]))
    return [known[uid] for uid, _ in counts.most_common(_MOST_TRIED)]
