"""Shapes in which TLA+ text is written: implications, memberships, changes of functions; words and blocks in lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sagacheck._expr import Expr, make
from sagacheck._sorts import BOOL, EnumSort
from sagacheck._tla_names import snake

__all__ = ["changes", "filled", "hang", "implication", "is_simple", "name_of", "opposite_of", "regrouped"]


def filled(lead: str, words: Sequence[str], width: int) -> list[str]:
    """Words in lines, the first after `lead`, the others below its end."""
    lines = [lead]
    for word in words:
        blank = "" if lines[-1].strip() == "" or lines[-1] == lead else " "
        if len(lines[-1]) + len(blank) + len(word) > width and lines[-1].strip():
            lines.append(" " * len(lead) + word)
        else:
            lines[-1] += blank + word
    return lines


def hang(lead: str, block: Sequence[str]) -> list[str]:
    """The block with `lead` before its first line, and the other lines below the first."""
    pad = " " * len(lead)
    return [lead + block[0], *((pad + line).rstrip() for line in block[1:])]


def implication(e: Expr) -> tuple[Expr, Expr] | None:
    """A disjunction that reads better as an implication: (what implies, what is implied)."""
    first = e.args[0]
    if not _is_negative(first) or all(_is_negative(a) for a in e.args):
        return None
    rest = e.args[1] if len(e.args) == 2 else make("or", e.args[1:], None, BOOL)
    return (opposite_of(first) if first.op == "member" else first.args[0]), rest


def _is_negative(e: Expr) -> bool:
    return e.op == "not" or (e.op == "member" and not e.data[1])


def opposite_of(member: Expr) -> Expr:
    """The same set, but to be outside of it rather than in it, or the other way round."""
    codes, inside = member.data
    return make("member", member.args, (codes, not inside), BOOL)


def regrouped(e: Expr) -> Expr:
    """A disjunction in which x = a, x = b stand, with x in {a, b} instead; likewise a conjunction with x # a, x # b.

    `member` is an operator of this module: args: x; data: (codes, whether x is one of them).
    """
    if e.op not in ("and", "or"):
        return e
    about: dict[int, list[Expr]] = {}
    for a in e.args:
        equation = a if e.op == "or" else a.args[0] if a.op == "not" else None
        if equation is None or equation.op != "eq" or equation.args[1].op != "const":
            continue
        if isinstance(equation.args[0].sort, EnumSort):
            about.setdefault(equation.args[0].uid, []).append(a)
    groups = {members[0].uid: members for members in about.values() if len(members) > 1}
    taken = {a.uid for members in groups.values() for a in members}
    denied = {a.uid: m for a in e.args if a.op == "not" and (m := regrouped(a.args[0])).op == "member"}
    parts: list[Expr] = []
    for a in e.args:
        if a.uid in groups:
            equations = [m if e.op == "or" else m.args[0] for m in groups[a.uid]]
            codes = tuple(q.args[1].data for q in equations)
            parts.append(make("member", (equations[0].args[0],), (codes, e.op == "or"), BOOL))
        elif a.uid not in taken:
            parts.append(opposite_of(denied[a.uid]) if a.uid in denied else a)
    return parts[0] if len(parts) == 1 else make(e.op, tuple(parts), None, BOOL)


def is_simple(e: Expr) -> bool:
    """Whether the negation of e is as short as e."""
    return e.op in ("not", "eq", "apply", "predicate", "related", "call", "lt", "var", "bound")


def changes(e: Expr) -> tuple[Expr, list[tuple[Expr, Expr, Expr]]]:
    """A function with changes at elements: what is changed, then (function so far, element, value) for each."""
    changes: list[tuple[Expr, Expr, Expr]] = []
    while e.op == "store":
        changes.append((e.args[0], e.args[1], e.args[2]))
        e = e.args[0]
    return e, changes[::-1]


def name_of(e: Expr, names: Mapping[int, str]) -> str:
    """What a part is called: as the text calls it, or as the definition that it asks."""
    if e.uid in names:
        return names[e.uid].lstrip("_")
    if e.op == "call":
        return snake(e.data[0].name)
    return {"forall": "every", "exists": "some", "ite": "value"}.get(e.op, "holds")
