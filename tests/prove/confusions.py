"""Specifications that could confuse a prover: names used twice, numbers that want more room than the state, a circle.

Every property in here is violated in a step or two; a prover that merges what only has the same name, or cuts a number
off, proves it.
"""

from __future__ import annotations

import enum
from dataclasses import replace

from sagacheck import Specification, Structure
from sagacheck.language import (
    Element,
    PerElement,
    StateBase,
    action,
    always,
    build,
    define,
    invariant,
    lemma,
    per_element,
    predicate,
    relation,
    require,
    scalar,
)

marked = predicate("mark")
after = relation("after")


def chain(size: int) -> Structure:
    """Elements one after the other, all of them marked."""
    following = tuple((n + 1,) if n + 1 < size else () for n in range(size))
    labels = tuple("abcdefgh"[:size])
    return Structure("a chain", labels, relations={"after": following}, predicates={"mark": (True,) * size})


class Marks(StateBase):
    """A variable with the name of a predicate."""

    mark: PerElement[bool] = per_element(bool, True, group="marks", doc="whether it is marked in the state")


@action("somebody")
def unmark(s: Marks, n: Element) -> None:
    """{n} loses its mark in the state."""
    require(s.mark[n])
    s.mark[n] = False


@invariant
def MarkedInBoth(s: Marks, n: Element) -> bool:
    """What is marked in the structure is marked in the state."""
    return s.mark[n] or not marked(n)


@always(because="it is not so", source="this test", wrong="{n} is not marked")
def StaysMarked(s: Marks, n: Element) -> bool:
    """What is marked in the structure is marked in the state."""
    return s.mark[n] or not marked(n)


def two_marks() -> Specification:
    """A variable and a predicate of one name."""
    return build(
        name="marks", doc="Marks.", state=Marks, actions=[unmark], properties=[StaysMarked], invariant=[MarkedInBoth]
    )


class Size(enum.Enum):
    """More members than a slot of the state has room for."""

    LEAST, B, C, D, E, F, G, H, GREAT = range(9)


class Bits(StateBase):
    """One truth value."""

    on: bool = scalar(bool, False, group="bits", doc="whether it is on")


@action("somebody")
def switch(s: Bits) -> None:
    """It is switched on."""
    require(not s.on)
    s.on = True


@define
def size_of(s: Bits) -> Size:
    """A value that no variable holds."""
    return Size.GREAT if s.on else Size.LEAST


@invariant
def Small(s: Bits) -> bool:
    """The size is the least one."""
    return size_of(s) == Size.LEAST


@always(because="it is not so", source="this test", wrong="the size is another")
def StaysSmall(s: Bits) -> bool:
    """The size is the least one."""
    return size_of(s) == Size.LEAST


def sizes() -> Specification:
    """An enumeration that only definitions speak of."""
    return build(name="sizes", doc="Sizes.", state=Bits, actions=[switch], properties=[StaysSmall], invariant=[Small])


class Count(StateBase):
    """A small number."""

    count: int = scalar(range(4), 0, group="numbers", doc="how many")


@action("somebody")
def add_eight(s: Count) -> None:
    """Eight more, which is more than it can count."""
    s.count = s.count + 8


@invariant
def Zero(s: Count) -> bool:
    """Nothing was counted."""
    return s.count == 0


@always(because="it is not so", source="this test", wrong="the count is not zero")
def StaysZero(s: Count) -> bool:
    """Nothing was counted."""
    return s.count == 0


def sums() -> Specification:
    """A summand that is larger than the variable."""
    return build(name="sums", doc="Sums.", state=Count, actions=[add_eight], properties=[StaysZero], invariant=[Zero])


@lemma(induction=after)
def Carried(s: Marks, n: Element) -> bool:
    """What is marked stays marked, if it does in what comes after: on a circle that says nothing."""
    return s.mark[n] or any(not s.mark[m] for m in after(n))


def carried() -> Specification:
    """A lemma by induction."""
    return build(
        name="marks", doc="Marks.", state=Marks, actions=[unmark], properties=[StaysMarked], invariant=[MarkedInBoth],
        lemmas=[Carried],
    )  # fmt: skip


def circle(size: int) -> Structure:
    """Elements in a circle."""
    straight = chain(size)
    return replace(straight, name="a circle", relations={"after": tuple(((n + 1) % size,) for n in range(size))})
