"""What an implementation shows, as knowledge of the packed state: which bits are known, and what they are.

A value that is not shown (null, or no value at all) leaves its bits unknown. What is shown must be a value of the
variable's sort, by its name; anything else is an error of the implementation.
"""

from __future__ import annotations

import enum
import reprlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sagacheck._errors import ImplementationError
from sagacheck._ground import GroundSpecification
from sagacheck._ground_expr import Slot
from sagacheck._sorts import BOOL, OPTIONAL_ELEMENT, EnumSort, RangeSort
from sagacheck._specification import Variable

__all__ = ["NOTHING", "Knowledge", "Reader"]


@dataclass(frozen=True)
class Knowledge:
    """Bits of a state that are known: those of `mask` are those of `bits`."""

    mask: int
    bits: int

    def fits(self, state: int) -> bool:
        """Whether the state could be the one that is known in part."""
        return state & self.mask == self.bits


NOTHING = Knowledge(0, 0)


class Reader:
    """Reads what is shown, for one specification on one structure."""

    def __init__(self, ground: GroundSpecification) -> None:
        self._ground = ground
        self._labels = ground.structure.labels
        self._names = {v.name: v for v in ground.specification.variables}
        self._codes: dict[tuple[str, int | None], dict[tuple[type, Any], int]] = {}

    def read(self, state: Mapping[str, Any], after: str) -> Knowledge:
        """What is known of the state; variables that this specification does not have are left out.

        Args:
            state: variable -> value, or label -> value.
            after: after which message, for errors.

        Raises:
            ImplementationError: a value that the variable cannot have, or labels that are not the structure's.
        """
        mask = bits = 0
        for name, value in state.items():
            variable = self._names.get(name)
            if variable is None or value is None:
                continue
            for element, one in self._by_element(variable, value, after):
                if one is not None:
                    slot = self._ground.slots[name, element]
                    mask |= slot.mask
                    bits |= self._code(slot, one, after) << slot.offset
        return Knowledge(mask, bits)

    def _by_element(self, variable: Variable, value: Any, after: str) -> Iterator[tuple[int | None, Any]]:
        if not variable.per_element:
            yield None, value
        elif isinstance(value, Mapping) and set(value) == set(self._labels):
            yield from ((e, value[label]) for e, label in enumerate(self._labels))
        else:
            element = self._ground.specification.element
            raise ImplementationError(f"{after} it does not show {variable.name} as one value for each {element}")

    def mask_of(self, names: frozenset[str]) -> int:
        """The bits of the variables of these names."""
        return sum(slot.mask for (name, _), slot in self._ground.slots.items() if name in names)

    def _code(self, slot: Slot, value: Any, after: str) -> int:
        key = slot.variable.name, slot.element
        codes = self._codes.get(key)
        if codes is None:
            codes = self._codes[key] = dict(self._values(slot))
        code = codes.get((type(value), value)) if isinstance(value, bool | int | str) else None
        if code is None:
            where = key[0] if key[1] is None else f"{key[0]}[{self._labels[key[1]]}]"
            known = ", ".join(str(v) for _, v in list(codes)[:20])
            raise ImplementationError(f"{after} it shows {where} as {reprlib.repr(value)}, which is none of {known}")
        return code

    def _values(self, slot: Slot) -> list[tuple[tuple[type, Any], int]]:
        sort = slot.variable.sort
        if sort == BOOL:
            return [((bool, False), 0), ((bool, True), 1)]
        if isinstance(sort, RangeSort):
            return [((int, sort.low + code), code) for code in range(sort.high - sort.low + 1)]
        if isinstance(sort, EnumSort):
            members: type[enum.Enum] = sort.members
            return [((str, member.name), code) for code, member in enumerate(members)]
        optional = ("None",) if sort == OPTIONAL_ELEMENT else ()
        return [((str, label), code) for code, label in enumerate((*optional, *self._labels))]
