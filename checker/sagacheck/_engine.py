"""What the plain explorer asks of a ground specification, answered from tables.

A question (which steps are possible? what does this step write?) reads only some bits of the packed state, so it is
answered once for each value of those bits and looked up after that. Questions that read nearly the same bits share a
table: those about one element, mostly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

from sagacheck._compile import compile_packed
from sagacheck._ground import Claim, GroundSpecification, Step
from sagacheck._ground_expr import Ground, Slot

__all__ = ["ClaimTable", "Predicate", "Successors", "grouped"]

T = TypeVar("T")


def grouped(items: Iterable[tuple[int, T]], roots: Sequence[int]) -> list[tuple[int, list[T]]]:
    """Items with the bits that they read, put together so that one table can serve each group.

    Args:
        items: (bits read, item).
        roots: sets of bits that are good tables, such as those of one element with all scalars.

    Returns:
        (bits read by the group, its items in their order).
    """
    groups: dict[int, list[T]] = {}
    reads: dict[int, int] = {}
    for mask, item in items:
        root = next((r for r in roots if mask & ~r == 0), mask)
        groups.setdefault(root, []).append(item)
        reads[root] = reads.get(root, 0) | mask
    return [(reads[root], members) for root, members in groups.items()]


def merged(groups: list[tuple[int, list[T]]]) -> list[tuple[int, list[T]]]:
    """Groups that read mostly the same bits, put together: they share most of what there is to compute."""
    result: list[tuple[int, int, list[T]]] = []  # (bits of the first group, bits of all, items)
    for mask, members in sorted(groups, key=lambda g: -g[0].bit_count()):
        for i, (first, reads, items) in enumerate(result):
            if 5 * (mask & first).bit_count() >= 4 * first.bit_count() > 0:
                result[i] = (first, reads | mask, items + members)
                break
        else:
            result.append((mask, mask, members))
    return [(reads, items) for _, reads, items in result]


class _Packed(Generic[T]):
    """Some truth values of the state, as the tuple of the items for which they are true; a table filled on demand."""

    __slots__ = ("_compiled", "_grounds", "_items", "mask", "rows")

    def __init__(self, mask: int, grounds: list[Ground], items: list[T]) -> None:
        self.mask = mask
        self.rows: dict[int, tuple[T, ...]] = {}
        self._grounds = grounds
        self._items = items
        self._compiled: Callable[[int], int] | None = None

    def row(self, key: int) -> tuple[T, ...]:
        """The items that hold for this value of the bits; remembered."""
        if self._compiled is None:
            self._compiled = compile_packed([(g, i) for i, g in enumerate(self._grounds)])
        bits = self._compiled(key)
        found = self.rows[key] = tuple(item for i, item in enumerate(self._items) if bits >> i & 1)
        return found


def _true_items(tables: Sequence[_Packed[T]], state: int) -> list[T]:
    """The items of all tables that hold in the state."""
    result: list[T] = []
    for table in tables:
        key = state & table.mask
        row = table.rows.get(key)
        if row is None:
            row = table.row(key)
        if row:
            result += row
    return result


class Predicate:
    """Whether one ground truth value holds in a state."""

    def __init__(self, holds: Ground) -> None:
        self._table = _Packed(holds.support, [holds], [None])

    def __call__(self, state: int) -> bool:
        """Whether it holds."""
        return bool(_true_items((self._table,), state))


class _Effect:
    """What one step writes: the bits that it keeps, and a table for each part of what it sets."""

    __slots__ = ("keep", "parts")

    def __init__(self, step: Step, bits: int, roots: Sequence[int]) -> None:
        written = 0
        for slot, _ in step.updates:
            written |= slot.mask
        self.keep = ((1 << bits) - 1) & ~written
        groups = grouped(((g.support, (slot, g)) for slot, g in step.updates), roots)
        self.parts = [_Part(mask, members) for mask, members in merged(groups)]

    def after(self, state: int) -> int:
        """The state after the step."""
        result = state & self.keep
        for part in self.parts:
            key = state & part.mask
            new = part.rows.get(key)
            result |= part.row(key) if new is None else new
        return result


class _Part:
    __slots__ = ("_compiled", "_members", "mask", "rows")

    def __init__(self, mask: int, members: list[tuple[Slot, Ground]]) -> None:
        self.mask = mask
        self.rows: dict[int, int] = {}
        self._members = members
        self._compiled: Callable[[int], int] | None = None

    def row(self, key: int) -> int:
        if self._compiled is None:
            self._compiled = compile_packed([(g, slot.offset) for slot, g in self._members])
        found = self.rows[key] = self._compiled(key)
        return found


def element_roots(ground: GroundSpecification) -> list[int]:
    """For each element the bits of its variables and of all scalars; first the scalars alone."""
    masks: dict[int | None, int] = {None: 0}
    for (_, element), slot in ground.slots.items():
        masks[element] = masks.get(element, 0) | slot.mask
    return [masks[None], *(m | masks[None] for e, m in masks.items() if e is not None)]


class Successors:
    """The steps that are possible in a state, in the order of the specification, and where they lead."""

    def __init__(self, ground: GroundSpecification) -> None:
        self._bits = ground.bits
        self._roots = element_roots(ground)
        self._steps = ground.steps
        self._effects: list[_Effect | None] = [None] * len(ground.steps)
        groups = grouped(((step.guard.support, step) for step in ground.steps), self._roots)
        self._tables = [_Packed(mask, [s.guard for s in steps], [s.index for s in steps]) for mask, steps in groups]

    def enabled(self, state: int) -> list[int]:
        """Indexes of the possible steps, ascending."""
        return sorted(_true_items(self._tables, state))

    def after(self, step: int, state: int) -> int:
        """The state after a step that is possible in this one."""
        effect = self._effects[step]
        if effect is None:
            effect = self._effects[step] = _Effect(self._steps[step], self._bits, self._roots)
        return effect.after(state)


class ClaimTable:
    """Which of some claims hold in a state (or, negated, which do not)."""

    def __init__(self, ground: GroundSpecification, claims: Sequence[Claim], negated: bool) -> None:
        table = ground.table
        asked = [(c, table.negation(c.ground) if negated else c.ground) for c in claims]
        groups = grouped(((g.support, (c, g)) for c, g in asked if g is not table.false), element_roots(ground))
        self._tables = [_Packed(mask, [g for _, g in members], [c for c, _ in members]) for mask, members in groups]

    def __call__(self, state: int) -> list[Claim]:
        """The claims that hold (negated: that do not hold) in the state."""
        return _true_items(self._tables, state)
