"""The finite sorts of the specification language: truth values, enumerations, small integers and elements.

A value of any sort is kept as a small integer, its *code*: False and True are 0 and 1, the members of an enumeration
count from 0 in the order of their definition, an integer range counts from its lower bound, an element of the structure
(a node of a DAG, a process) is its index; "no element" is the last code of an optional element.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

__all__ = ["BOOL", "ELEMENT", "OPTIONAL_ELEMENT", "BoolSort", "ElementSort", "EnumSort", "RangeSort", "Sort", "sort_of"]


@dataclass(frozen=True)
class BoolSort:
    """False and True."""

    def __str__(self) -> str:
        return "boolean"

    def size(self, elements: int) -> int:  # noqa: ARG002
        """How many values there are in a structure with so many elements."""
        return 2


@dataclass(frozen=True)
class EnumSort:
    """The members of one `enum.Enum` class, in the order of their definition."""

    members: type[enum.Enum]

    def __str__(self) -> str:
        return self.members.__name__

    def size(self, elements: int) -> int:  # noqa: ARG002
        """How many values there are in a structure with so many elements."""
        return len(self.members)

    def code(self, member: enum.Enum) -> int:
        """The code of a member."""
        return list(self.members).index(member)

    def member(self, code: int) -> enum.Enum:
        """The member with that code."""
        return list(self.members)[code]


@dataclass(frozen=True)
class RangeSort:
    """The integers from `low` to `high`, both included."""

    low: int
    high: int

    def __str__(self) -> str:
        return f"{self.low}..{self.high}"

    def size(self, elements: int) -> int:  # noqa: ARG002
        """How many values there are in a structure with so many elements."""
        return self.high - self.low + 1


@dataclass(frozen=True)
class ElementSort:
    """The elements of the structure; with `optional`, also None for "no element"."""

    optional: bool = False

    def __str__(self) -> str:
        return "element or None" if self.optional else "element"

    def size(self, elements: int) -> int:
        """How many values there are in a structure with so many elements."""
        return elements + 1 if self.optional else elements


Sort = BoolSort | EnumSort | RangeSort | ElementSort
BOOL = BoolSort()
ELEMENT = ElementSort()
OPTIONAL_ELEMENT = ElementSort(optional=True)


def sort_of(declared: object) -> Sort | None:
    """The sort that a declaration names: `bool`, an enumeration class, `range(low, past)` or a Sort; None if none."""
    if declared is bool:
        return BOOL
    if isinstance(declared, type) and issubclass(declared, enum.Enum):
        return EnumSort(declared)
    if isinstance(declared, range) and declared.step == 1 and len(declared) > 0:
        return RangeSort(declared.start, declared.stop - 1)
    return declared if isinstance(declared, Sort) else None
