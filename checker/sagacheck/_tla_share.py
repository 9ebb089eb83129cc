"""What of an expression earns a name of its own in TLA+ text: a LET, where it stands for the first time.

That is what would have to be written twice, and what the text of the specification gave a name to and is not short.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sagacheck._expr import Expr, FunctionSort, walk
from sagacheck._specification import Definition
from sagacheck._tla_reduce import COMPOUND

__all__ = ["Let", "RecordKey", "Weights", "lets_of", "record_key"]

RecordKey = tuple[tuple[str, int], ...]

_NAMED = COMPOUND - {"lambda", "store", "not"}
_HEAVY = 60  # about so many characters are worth a name when they stand twice
_LONG = 36  # or when the text has named them
_SHORT_CALL = 14
_MOST = 10**6


@dataclass(frozen=True)
class Let:
    """What gets a name: the value of `e`; or, with `record`, the variables so far that the call `e` hands on."""

    e: Expr
    record: bool


def record_key(e: Expr) -> RecordKey:
    """What tells the records of two calls apart."""
    return tuple((name, f.uid) for name, f in e.data[1])


class Weights:
    """About how long expressions are, written out; free bound variables; both remembered."""

    def __init__(self) -> None:
        self._length: dict[int, int] = {}
        self._free: dict[int, frozenset[int]] = {}

    def of(self, e: Expr, named: Mapping[int, int] | None = None) -> int:
        """About so many characters; what has a name is as long as that (uid -> length)."""
        if named:
            return named.get(e.uid) or min(_MOST, self._own(e) + sum(named.get(a.uid) or self.of(a) for a in e.args))
        found = self._length.get(e.uid)
        if found is None:
            inner = sum(self.of(a) for a in e.args)
            if e.op == "call":
                inner += sum(self.of(f) for _, f in e.data[1])
            found = self._length[e.uid] = min(_MOST, inner + self._own(e))
        return found

    @staticmethod
    def _own(e: Expr) -> int:
        match e.op:
            case "const":
                return 10
            case "bound":
                return len(e.data[0])
            case "var" | "primed" | "element" | "related" | "predicate":
                return len(str(e.data)) + 4
            case "call":
                return len(e.data[0].name) + 2
            case "forall" | "exists" | "ite":
                return 14
        return 4

    def free(self, e: Expr) -> frozenset[int]:
        """The bound variables that e does not bind itself."""
        found = self._free.get(e.uid)
        if found is None:
            parts = [self.free(a) for a in e.args]
            if e.op == "call":
                parts += [self.free(f) for _, f in e.data[1]]
            found = frozenset((e.uid,)) if e.op == "bound" else frozenset().union(*parts)
            if e.op in ("forall", "exists", "lambda"):
                found -= {e.args[0].uid}
            self._free[e.uid] = found
        return found


def lets_of(
    roots: Sequence[Expr], known: Collection[int], records: Collection[RecordKey], takers: Collection[Definition],
    weights: Weights, names: Mapping[int, str], parts: Sequence[Sequence[Expr]] = (),
) -> list[Let]:  # fmt: skip
    """What to name above these roots, in an order in which each needs only those before it.

    Args:
        roots: what is written below the names.
        known: what has a name here already: bound variables, and expressions that were named further out.
        records: the records that have a name already.
        takers: the definitions that take a record.
        weights: the lengths. names: uid -> what the text calls an expression.
        parts: the roots in parts; what is used only in one of them, the first apart, is not named here.
    """
    order: list[Expr] = []
    uses: Counter[int] = Counter(r.uid for r in roots)
    handed: Counter[RecordKey] = Counter()
    seen: set[int] = set()
    inside: set[int] = set()  # bound by what is written below

    def visit(e: Expr) -> None:
        if e.uid in seen or (e.uid in known and e.op != "bound"):
            return
        seen.add(e.uid)
        if e.op in ("forall", "exists", "lambda"):
            inside.add(e.args[0].uid)
        if e.op == "call":
            taken = e.data[0] in takers and e.data[1]
            new = bool(taken) and record_key(e) not in records
            if taken:
                handed[record_key(e)] += 1
            for _, f in e.data[1] if new and handed[record_key(e)] == 1 else ():
                uses[f.uid] += 1
                visit(f)
        for a in e.args:
            uses[a.uid] += 1
            visit(a)
        order.append(e)

    for r in roots:
        visit(r)
    shared = _shared(parts)
    top = {r.uid for r in roots}
    result: list[Let] = []
    done: set[RecordKey] = set(records)
    short: dict[int, int] = {}  # how long what has a name by now is
    for e in order:
        length_here = weights.of(e, short)
        if e.op == "call" and e.data[0] in takers and e.data[1] and record_key(e) not in done:
            length = sum(weights.of(f) + len(name) for name, f in e.data[1])
            own = frozenset().union(*(weights.free(f) for _, f in e.data[1]))
            if (
                not own & inside
                and (shared is None or _record_parts(e, parts))
                and (handed[record_key(e)] > 1 or length > _LONG)
            ):
                done.add(record_key(e))
                result.append(Let(e, record=True))
        if (
            not weights.free(e) & inside
            and (shared is None or e.uid in shared)
            and _deserves(e, uses[e.uid], length_here, e.uid in top, e.uid in names)
        ):
            result.append(Let(e, record=False))
            short[e.uid] = len(names.get(e.uid, "")) or _HEAVY // 6
    return result


def _shared(parts: Sequence[Sequence[Expr]]) -> set[int] | None:
    """What occurs in the first part, or in several; None where there is but one."""
    if len(parts) < 2:
        return None
    occurring = [{e.uid for e in walk(*part)} for part in parts]
    counts = Counter(uid for found in occurring[1:] for uid in found)
    return occurring[0] | {uid for uid, n in counts.items() if n > 1}


def _record_parts(call: Expr, parts: Sequence[Sequence[Expr]]) -> bool:
    """Whether calls with that record occur in the first part, or in several."""
    key = record_key(call)
    found = [any(e.op == "call" and record_key(e) == key for e in walk(*part)) for part in parts]
    return found[0] or sum(found) > 1


def _deserves(e: Expr, uses: int, length: int, root: bool, named: bool) -> bool:
    if e.op not in _NAMED or isinstance(e.sort, FunctionSort) or (root and uses == 1):
        return False
    if uses > 1:
        return length >= (_SHORT_CALL if e.op == "call" or named else _HEAVY)
    return named and length >= _LONG and not root
