"""Specifications that could confuse a prover: names used twice, numbers that want more room than the state, a circle.

Every property in here is violated in a step or two; a prover that merges what only has the same name, or cuts a number
off, proves it.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
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
    """Elements one after the other, none of them marked."""
    following = tuple((n + 1,) if n + 1 < size else () for n in range(size))
    labels = tuple("abcdefgh"[:size])
    return Structure("a chain", labels, relations={"after": following}, predicates={"mark": (False,) * size})


class Marks(StateBase):
    """A variable with the name of a predicate."""

    mark: PerElement[bool] = per_element(bool, True, group="marks", doc="whether it is marked in the state")
    seen: bool = scalar(bool, False, group="marks", doc="whether the two were seen to differ")


@action("somebody")
def see(s: Marks, n: Element) -> None:
    """{n} is marked in the state, but not in the structure."""
    require(s.mark[n] and not marked(n))
    s.seen = True


@invariant
def NotSeen(s: Marks) -> bool:
    """The two were not seen to differ."""
    return not s.seen


@always(because="it is not so", source="this test", wrong="they differ")
def StaysUnseen(s: Marks) -> bool:
    """The two are never seen to differ."""
    return not s.seen


def two_marks() -> Specification:
    """A variable and a predicate of one name."""
    return build(name="marks", doc="Marks.", state=Marks, actions=[see], properties=[StaysUnseen], invariant=[NotSeen])


class Size(enum.Enum):
    """More members than a slot of the state has room for."""

    LEAST, B, C, D, E, F, G, H, GREAT = range(9)


class Bits(StateBase):
    """Two truth values."""

    on: bool = scalar(bool, False, group="bits", doc="whether it is on")
    other: bool = scalar(bool, False, group="bits", doc="another one, which stays as it is")


@action("somebody")
def switch(s: Bits) -> None:
    """It is switched on."""
    require(not s.on)
    s.on = True


@define
def size_of(s: Bits) -> Size:
    """A value that no variable holds."""
    return Size.GREAT if s.on else Size.LEAST


@define
def other_size(s: Bits) -> Size:
    """Another one."""
    return Size.B if s.other else Size.LEAST


@invariant
def Small(s: Bits) -> bool:
    """The sizes are equal."""
    return size_of(s) == other_size(s) and not s.other


@always(because="it is not so", source="this test", wrong="the size is another")
def StaysSmall(s: Bits) -> bool:
    """The sizes are equal."""
    return size_of(s) == other_size(s) and not s.other


def sizes() -> Specification:
    """An enumeration that only definitions speak of."""
    return build(name="sizes", doc="Sizes.", state=Bits, actions=[switch], properties=[StaysSmall], invariant=[Small])


def _another() -> Callable[[Bits], Size]:
    @define
    def other_size(s: Bits) -> Size:
        """A definition with the name of another one."""
        return Size.C if s.on else Size.LEAST

    return other_size


namesake = _another()


@always(because="it is not so", source="this test", wrong="they differ")
def SameSize(s: Bits) -> bool:
    """Both definitions of one name say the same."""
    return other_size(s) == namesake(s)


def namesakes() -> Specification:
    """Two definitions of one name."""
    return build(name="sizes", doc="Sizes.", state=Bits, actions=[switch], properties=[SameSize])


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
    """What is marked in the state is so if what comes after it is: on a circle that says nothing."""
    return s.mark[n] or any(not s.mark[m] for m in after(n))


def carried() -> Specification:
    """A lemma by induction."""
    said = {"state": Marks, "actions": [see], "properties": [StaysUnseen], "invariant": [NotSeen]}
    return build(name="marks", doc="Marks.", lemmas=[Carried], **said)  # type: ignore[arg-type]


def circle(size: int) -> Structure:
    """Elements in a circle."""
    straight = chain(size)
    return replace(straight, name="a circle", relations={"after": tuple(((n + 1) % size,) for n in range(size))})
