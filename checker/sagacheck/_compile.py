"""Ground expressions as Python functions of the packed state: straight-line code, shared parts computed once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from sagacheck._ground_expr import Ground, Slot

__all__ = ["compile_packed"]

_DEEPEST = 25  # expressions nested deeper than this get a name, well below the limit of Python's parser


def _ordered(roots: Sequence[Ground]) -> tuple[list[Ground], Counter[int]]:
    """Every part once, arguments first, and how often each is used."""
    order: list[Ground] = []
    uses: Counter[int] = Counter(r.uid for r in roots)
    seen: set[int] = set()
    stack = [(r, False) for r in roots]
    while stack:
        g, ready = stack.pop()
        if ready:
            order.append(g)
        elif g.uid not in seen:
            seen.add(g.uid)
            uses.update(a.uid for a in g.args)
            stack.append((g, True))
            stack.extend((a, False) for a in g.args)
    return order, uses


def _code(g: Ground, parts: list[str]) -> str:
    match g.op, g.data:
        case "const", code:
            return str(code)
        case "slot", Slot() as slot:
            return f"(s >> {slot.offset} & {(1 << slot.width) - 1})"
        case "add", (step, None):
            return f"({parts[0]} + {step})"
        case "add", (step, most):
            return f"min({parts[0]} + {step}, {most})"
    match g.op:
        case "not":
            return f"(not {parts[0]})"
        case "and" | "or":
            return "(" + f" {g.op} ".join(parts) + ")"
        case "eq":
            return f"({parts[0]} == {parts[1]})"
        case "lt":
            return f"({parts[0]} < {parts[1]})"
        case "ite":
            return f"({parts[1]} if {parts[0]} else {parts[2]})"
    raise AssertionError(f"no code for {g.op}")


def compile_packed(parts: Sequence[tuple[Ground, int]]) -> Callable[[int], int]:
    """A function from a state to the codes of these expressions, each shifted to its offset, in one integer.

    Args:
        parts: (expression, offset in the result).
    """
    order, uses = _ordered([g for g, _ in parts])
    lines: list[str] = []
    text: dict[int, tuple[str, int]] = {}
    for g in order:
        inner = [text[a.uid] for a in g.args]
        code, depth = _code(g, [t for t, _ in inner]), 1 + max((d for _, d in inner), default=0)
        if g.op != "const" and ((uses[g.uid] > 1 and g.args) or depth > _DEEPEST):
            lines.append(f"  t{g.uid} = {code}")
            code, depth = f"t{g.uid}", 0
        text[g.uid] = (code, depth)
    shifted = [f"({text[g.uid][0]} << {offset})" for g, offset in parts] or ["0"]
    rows = [" | ".join(shifted[i : i + _DEEPEST]) for i in range(0, len(shifted), _DEEPEST)]
    lines += [f"  r {'|=' if i else '='} {row}" for i, row in enumerate(rows)]
    space: dict[str, Callable[[int], int]] = {}
    exec("def packed(s):\n" + "\n".join([*lines, "  return r"]), space)
    return space["packed"]
