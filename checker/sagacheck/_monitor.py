"""A monitor: which properties are violated by what an implementation shows, whatever it does not show.

A claim is evaluated in three values: true, false, or unknown because it depends on what is hidden. Only what is
certainly false is a violation, so a monitor never accuses an implementation of what it could not see.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sagacheck._ground import Claim, GroundSpecification
from sagacheck._ground_expr import Ground, evaluate
from sagacheck._narration import filled, first_sentence
from sagacheck._shown import Knowledge, Reader
from sagacheck._sorts import BOOL, EnumSort
from sagacheck._specification import Kind

__all__ = ["Breach", "Monitor", "certain"]

_MOST_TRIED = 12  # bits of which every value is tried


@dataclass(frozen=True)
class Breach:
    """A property that is violated by what was shown.

    Attributes:
        property: its name. element: the label of the element for which, or "".
        wrong: what is wrong, in words. kind: the same without saying for which element, to tell breaches apart.
    """

    property: str
    element: str
    wrong: str
    kind: str


def certain(g: Ground, known: Knowledge) -> bool | None:
    """The truth of a ground expression given what is known; None where it depends on what is not."""
    hidden = g.support & ~known.mask
    if not hidden:
        return bool(evaluate(g, known.bits))
    if g.op == "not":
        inner = certain(g.args[0], known)
        return None if inner is None else not inner
    if g.op in ("and", "or"):
        deciding = g.op == "or"
        found: bool | None = not deciding
        for part in g.args:
            one = certain(part, known)
            if one is deciding:
                return deciding
            if one is None:
                found = None
        return found
    if g.op == "ite":
        test = certain(g.args[0], known)
        if test is not None:
            return certain(g.args[1] if test else g.args[2], known)
        a, b = certain(g.args[1], known), certain(g.args[2], known)
        return a if a == b else None
    return None


class Monitor:
    """The *always* properties of one specification on one structure, but for those that nobody can see."""

    def __init__(self, ground: GroundSpecification, unseen: Iterable[str] = ()) -> None:
        self.ground = ground
        self.reader = Reader(ground)
        always = [p for p in ground.specification.properties if p.kind is Kind.ALWAYS and p.name not in set(unseen)]
        true = ground.table.true
        self.claims: tuple[Claim, ...] = tuple(c for p in always for c in ground.claims(p) if c.ground is not true)
        self.masks: set[int] = set()  # which bits were known, after the steps that were taken
        self._rest = ground.value(ground.specification.rest, {})
        self._asked: list[tuple[Claim, dict[tuple[int, int], bool | None]]] = [(c, {}) for c in self.claims]

    def breaches(self, known: Knowledge) -> Iterator[Breach]:
        """The claims that are certainly false."""
        for claim, answers in self._asked:
            support = claim.ground.support
            key = known.mask & support, known.bits & support
            if key not in answers:
                answers[key] = certain(claim.ground, known)
            if answers[key] is False:
                yield self._breach(claim, known)

    def could_see(self, property_name: str) -> bool:
        """Whether a violation of the property could have been seen in anything that was looked at."""
        claims = [c.ground for c in self.claims if c.property.name == property_name]
        return any(_could_be_false(g, mask) for mask in self.masks for g in claims)

    def may_end(self, known: Knowledge) -> bool:
        """Whether a behaviour may end there, as far as is known."""
        return certain(self._rest, known) is not False

    def _breach(self, claim: Claim, known: Knowledge) -> Breach:
        p, element = claim.property, claim.element
        labels = self.ground.structure.labels
        values = dict(self._values(element, known))
        if element is not None and p.params:
            values[p.params[0].data[0]] = labels[element]
        text = p.wrong or f"this must not be so: {first_sentence(p.doc)}"
        some = {p.params[0].data[0]: f"a {self.ground.specification.element}"} if p.params else {}
        label = "" if element is None else labels[element]
        return Breach(p.name, label, filled(text, values), filled(text, {**values, **some}))

    def _values(self, element: int | None, known: Knowledge) -> Iterable[tuple[str, str]]:
        """Variables as they read in a sentence; what is hidden reads so."""
        for v in self.ground.specification.variables:
            if v.per_element and element is None:
                continue
            slot = self.ground.slots[v.name, element if v.per_element else None]
            if slot.mask & ~known.mask:
                yield v.name, "(not shown)"
            elif isinstance(v.sort, EnumSort):
                member = v.sort.member((known.bits & slot.mask) >> slot.offset)
                yield v.name, member.value if isinstance(member.value, str) else member.name
            else:
                shown = self.ground.show(slot, known.bits)
                yield v.name, shown.lower() if v.sort == BOOL else shown


def _could_be_false(g: Ground, mask: int) -> bool:
    """Whether some values of the bits of the mask make the expression certainly false."""
    bits = g.support & mask
    if not g.support & ~mask:
        return True
    if bits.bit_count() > _MOST_TRIED:
        return False
    values = 0
    while True:
        if certain(g, Knowledge(mask, values)) is False:
            return True
        values = (values - bits) & bits
        if not values:
            return False
