"""A digest of what is checked: the same for the same specification and structure, another one when either changes.

The text that names a saga or a design says nothing about the content behind it: the file of a saga is edited, a
specification is mended. Whatever is kept for later (a row of a table, a trace) carries this digest, and counts only as
long as it is the same. It does not depend on the process, on hash seeds, or on what was built before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from sagacheck._expr import Expr, FunctionSort
from sagacheck._sorts import EnumSort, Sort
from sagacheck._specification import Definition, Specification
from sagacheck._structure import Structure

__all__ = ["digest"]

_LENGTH = 16  # hexadecimal digits


def digest(specification: Specification, structure: Structure) -> str:
    """The digest of a specification on a structure; names that only people read, and documentation, do not count."""
    said = {"specification": _specification(specification), "structure": _structure(structure)}
    text = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_LENGTH]


def _structure(s: Structure) -> dict[str, Any]:
    return {
        "labels": s.labels,
        "relations": dict(s.relations),
        "predicates": {name: [bool(x) for x in truth] for name, truth in s.predicates.items()},
        "elements": dict(s.elements),
    }


def _specification(s: Specification) -> dict[str, Any]:
    number = _Numbers()
    said = {
        "name": s.name,
        "variables": [(v.name, _sort(v.sort), v.per_element, v.initial) for v in s.variables],
        "recursion": s.recursion,
        "initial": _by_name(number, s.initial),
        "definitions": [
            (d.name, [number.of(p) for p in d.params], _sort(d.result), number.of(d.body)) for d in _definitions(s)
        ],
        "actions": [
            {
                "name": a.name,
                "params": [number.of(p) for p in a.params],
                "over": a.over,
                "guard": [number.of(g) for g in a.guard],
                "updates": _by_name(number, a.updates),
                "fair": (a.fair, a.finitely),
            }
            for a in s.actions
        ],
        "properties": [
            {
                "name": p.name,
                "kind": p.kind.value,
                "params": [number.of(q) for q in p.params],
                "body": number.of(p.body),
                "after": number.of(p.after),
                "excluded": bool(p.excluded),
                "needs": p.needs,
            }
            for p in s.properties
        ],
        "rest": number.of(s.rest),
    }
    return {**said, "expressions": number.lines}


def _definitions(s: Specification) -> list[Definition]:
    return sorted(s.definitions, key=lambda d: d.name)


def _by_name(number: _Numbers, parts: Mapping[str, Expr]) -> dict[str, int | None]:
    return {name: number.of(e) for name, e in sorted(parts.items())}


def _sort(sort: Sort | FunctionSort) -> str:
    if isinstance(sort, FunctionSort):
        return f"function to {_sort(sort.result)}"
    return f"{sort} {' '.join(m.name for m in sort.members)}" if isinstance(sort, EnumSort) else str(sort)


class _Numbers:
    """Expressions numbered in the order in which a walk meets them; `lines` says what each one is, by number."""

    def __init__(self) -> None:
        self.lines: list[tuple[Any, ...]] = []
        self._known: dict[int, int] = {}
        self._bound = 0

    def of(self, root: Expr | None) -> int | None:
        """The number of an expression; what is in it is numbered before it."""
        if root is None:
            return None
        stack = [root]
        while stack:
            e = stack[-1]
            if e.uid in self._known:
                stack.pop()
                continue
            missing = [part for part in _parts(e) if part.uid not in self._known]
            if missing:
                stack.extend(reversed(missing))
                continue
            stack.pop()
            self._known[e.uid] = len(self.lines)
            self.lines.append((e.op, [self._known[part.uid] for part in _parts(e)], self._data(e), _sort(e.sort)))
        return self._known[root.uid]

    def _data(self, e: Expr) -> Any:
        if e.op == "bound":
            self._bound += 1
            return self._bound
        if e.op == "call":
            return [e.data[0].name, sorted(name for name, _ in e.data[1])]
        return e.data


def _parts(e: Expr) -> Iterator[Expr]:
    """The arguments, then the functions that a call carries, by variable."""
    yield from e.args
    if e.op == "call":
        yield from (f for _, f in sorted(e.data[1], key=lambda pair: str(pair[0])))
