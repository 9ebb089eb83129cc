"""What is known where an expression is read: which conditions hold, and which values something may have."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from sagacheck._expr import Expr, FunctionSort
from sagacheck._sorts import BOOL, EnumSort, RangeSort, Sort

__all__ = ["NOTHING", "Facts"]

_FACTS = itertools.count()


class Facts:
    """What is known where an expression is read: truth values of conditions, and which values something may have."""

    def __init__(self, truths: Mapping[int, bool], values: Mapping[int, frozenset[int]]) -> None:
        self._truths = truths
        self._values = values
        self.uid = next(_FACTS)
        self._assumed: dict[tuple[int, bool], Facts] = {}

    def assume(self, e: Expr, truth: bool) -> Facts:
        """These facts and one more; facts that contradict each other are never asked for what they say."""
        key = (e.uid, truth)
        if key not in self._assumed:
            truths, values = dict(self._truths), dict(self._values)
            self._add(e, truth, truths, values)
            self._assumed[key] = Facts(truths, values)
        return self._assumed[key]

    def _add(self, e: Expr, truth: bool, truths: dict[int, bool], values: dict[int, frozenset[int]]) -> None:
        truths[e.uid] = truth
        if e.op == "not":
            self._add(e.args[0], not truth, truths, values)
        elif e.op == ("and" if truth else "or"):
            for a in e.args:
                self._add(a, truth, truths, values)
        elif e.op == "call" and truth and not e.args and not e.data[1] and not e.data[0].recursive:
            self._add(e.data[0].body, truth, truths, values)
        found = _about(e)
        if found is not None and found[1]:
            of, codes = found
            kept = codes if truth else _every(of.sort) - codes
            values[of.uid] = values.get(of.uid, _every(of.sort)) & kept

    def truth(self, e: Expr) -> bool | None:
        """Whether a condition is known to hold, or known not to."""
        known = self._truths.get(e.uid)
        found = _about(e) if known is None else None
        if found is None:
            return known
        possible = self._values.get(found[0].uid)
        if not possible:
            return None
        return True if possible <= found[1] else False if not possible & found[1] else None

    def below(self, e: Expr, bound: int) -> bool:
        """Whether the code of e is known to be less than the bound."""
        possible = self._values.get(e.uid)
        return bool(possible) and max(possible or ()) < bound


def _every(sort: Sort | FunctionSort) -> frozenset[int]:
    assert isinstance(sort, EnumSort | RangeSort) or sort == BOOL
    return frozenset(range(sort.size(0)))


def _about(e: Expr) -> tuple[Expr, frozenset[int]] | None:
    """(x, codes) where e says no more than that x has one of the codes; None for other conditions."""
    if e.op == "eq" and e.args[1].op == "const" and isinstance(e.args[0].sort, EnumSort | RangeSort):
        return e.args[0], frozenset((e.args[1].data,))
    if e.op == "lt" and e.args[1].op == "const" and isinstance(e.args[0].sort, EnumSort | RangeSort):
        return e.args[0], frozenset(range(e.args[1].data))
    if e.op == "not":
        inner = _about(e.args[0])
        return None if inner is None else (inner[0], _every(inner[0].sort) - inner[1])
    if e.op in ("and", "or"):
        parts = [_about(a) for a in e.args]
        first = parts[0]
        if first is None or any(p is None or p[0] is not first[0] for p in parts):
            return None
        sets = [p[1] for p in parts if p is not None]
        return first[0], frozenset.union(*sets) if e.op == "or" else frozenset.intersection(*sets)
    return None


NOTHING = Facts({}, {})
