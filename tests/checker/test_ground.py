"""The ground layer: compiled, tabulated and plain evaluation agree; optional elements, shown values, deep text."""

from __future__ import annotations

import enum
import functools
import sys
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mutex
from sagacheck import GroundSpecification, Specification, Structure
from sagacheck._compile import compile_packed
from sagacheck._engine import ClaimTable, Successors, grouped, merged
from sagacheck._ground_expr import Ground, GroundTable
from sagacheck._specification import Kind
from sagacheck.language import (
    OPTIONAL_ELEMENT,
    Element,
    PerElement,
    StateBase,
    action,
    always,
    build,
    define,
    elements,
    per_element,
    procedure,
    relation,
    require,
    scalar,
)
from sagaspec import domain as saga

above = relation("above")
below = relation("below")


class Grade(enum.Enum):
    """Three marks, for which two bits are one value too many."""

    GOOD = "good"
    FAIR = "fair"
    POOR = "poor"


class Tour(StateBase):
    """A visitor goes through rooms."""

    at: Element | None = scalar(OPTIONAL_ELEMENT, None, group="visitor", doc="where the visitor is")
    last: PerElement[Element | None] = per_element(OPTIONAL_ELEMENT, None, group="rooms", doc="from where he came")
    grade: PerElement[Grade] = per_element(Grade, Grade.FAIR, group="rooms", doc="what he thinks of it")
    count: int = scalar(range(3, 9), 3, group="visitor", doc="three more than rooms seen")


@define
def seen(s: Tour, n: Element) -> bool:
    """The room, or one below it, has been seen."""
    return s.grade[n] != Grade.FAIR or any(seen(s, m) for m in below(n))


@action("visitor")
def enter(s: Tour, n: Element) -> None:
    """{n} is entered first."""
    require(s.at is None)
    s.at = n


@action("visitor", over="below")
def go(s: Tour, n: Element, p: Element) -> None:
    """The visitor goes from {n} to {p}."""
    require(s.at == n and below.first(n) == p)
    s.last[p] = s.at
    s.at = below.first(n)
    s.count = s.count + 1
    s.grade[n] = Grade.GOOD if any(seen(s, m) for m in below(n)) else Grade.POOR


@action("visitor", over="below")
def go_on(s: Tour, n: Element, p: Element) -> None:
    """The visitor looks into the one next to {p} too."""
    require(s.at == p)
    s.at = below.following(n, p)


@action("warden")
def close(s: Tour) -> None:
    """Everybody out."""
    require(s.count >= 4 and s.at is not None)
    _forget(s)
    s.at = None
    s.count = 3


@procedure
def _forget(s: Tour) -> None:
    """The rooms are as at first, but for those that were seen."""
    for n in elements():
        s.last[n] = None
        s.grade[n] = s.grade[n] if seen(s, n) else Grade.FAIR


@always(because="to see it", source="made up", wrong="no")
def Short(s: Tour, n: Element) -> bool:  # noqa: N802
    """Few rooms."""
    return s.count < 8 or s.last[n] is None or not seen(s, n)


@action("warden")
def count_up(s: Tour) -> None:
    """Two more."""
    s.count = s.count + 2


@always(because="to see it", source="made up", wrong="no")
def NothingFollows(s: Tour, n: Element) -> bool:  # noqa: ARG001, N802
    """Only the attic has a room below it with another one next to it."""
    return any(below.following(n, m) is not None for m in elements())


def tour() -> Specification:
    """The tour."""
    return build(name="tour", doc="d", state=Tour, actions=[enter, go, go_on, close], properties=[Short],
                 recursion="below")  # fmt: skip


ROOMS = Structure(
    "rooms",
    ("attic", "hall", "den", "cellar"),
    {"below": ((2, 1), (3,), (3,), ()), "above": ((), (0,), (0,), (1, 2))},
)


@functools.cache
def grounds() -> tuple[GroundSpecification, ...]:
    """What the claims below are about: three specifications on small structures."""
    conforming = saga.specify(saga.design("conforming").settings, {})
    return (
        GroundSpecification(mutex.specification(atomic=False), mutex.domain.load("3", {})),
        GroundSpecification(tour(), ROOMS),
        GroundSpecification(conforming, saga.load("fork-join:2", {})),
    )


@st.composite
def states(draw: st.DrawFn) -> tuple[GroundSpecification, int]:
    """A ground specification and any state of its sorts, reachable or not."""
    ground = draw(st.sampled_from(grounds()))
    packed = 0
    for slot in ground.slots.values():
        packed |= draw(st.integers(0, slot.variable.sort.size(ground.structure.size) - 1)) << slot.offset
    return ground, packed


@functools.cache
def compiled(ground: GroundSpecification) -> tuple[Callable[[int], int], list[Ground]]:
    """Every guard and every new value, compiled at once; each has a byte of the result."""
    parts = [s.guard for s in ground.steps] + [new for s in ground.steps for _, new in s.updates]
    return compile_packed([(p, 8 * i) for i, p in enumerate(parts)]), parts


@settings(max_examples=60, deadline=None)
@given(states())
def test_compiled_code_gives_the_codes_of_plain_evaluation(pair: tuple[GroundSpecification, int]) -> None:
    """Every guard and every update of every step, in any state."""
    ground, state = pair
    function, parts = compiled(ground)
    codes = function(state).to_bytes(len(parts), "little")
    assert list(codes) == [ground.evaluate(part, state) for part in parts]


@functools.cache
def successors(ground: GroundSpecification) -> Successors:
    """One table for all examples, so that rows are remembered from one state to the next."""
    return Successors(ground)


@settings(max_examples=80, deadline=None)
@given(states())
def test_tables_give_the_steps_of_plain_evaluation(pair: tuple[GroundSpecification, int]) -> None:
    """Which steps are possible, in their order, and where each leads."""
    ground, state = pair
    found = successors(ground).enabled(state)
    assert found == [s.index for s in ground.steps if ground.evaluate(s.guard, state)]
    for index in found:
        assert successors(ground).after(index, state) == ground.apply(state, ground.steps[index].updates)


@functools.cache
def claims(ground: GroundSpecification) -> tuple[ClaimTable, ClaimTable]:
    """Tables of the claims that hold, and of those that do not."""
    all_ = [c for p in ground.specification.properties for c in ground.claims(p)]
    return ClaimTable(ground, all_, negated=False), ClaimTable(ground, all_, negated=True)


@settings(max_examples=100, deadline=None)
@given(states())
def test_a_claim_holds_or_does_not(pair: tuple[GroundSpecification, int]) -> None:
    """The two tables part the claims as plain evaluation does."""
    ground, state = pair
    every = [c for p in ground.specification.properties for c in ground.claims(p)]
    holding = {(c.property.name, c.element) for c in every if ground.evaluate(c.ground, state)}
    yes, no = claims(ground)
    assert {(c.property.name, c.element) for c in yes(state)} == holding
    assert {(c.property.name, c.element) for c in no(state)} == {(c.property.name, c.element) for c in every} - holding


@settings(max_examples=50, deadline=None)
@given(states())
def test_what_an_expression_reads_is_its_support(pair: tuple[GroundSpecification, int]) -> None:
    """Bits outside of it do not matter to a guard."""
    ground, state = pair
    for step in ground.steps:
        assert ground.evaluate(step.guard, state & step.guard.support) == ground.evaluate(step.guard, state)


def test_slots_do_not_overlap_and_fill_the_state() -> None:
    """Each bit of a state belongs to one variable at one element."""
    for ground in grounds():
        total = 0
        for slot in ground.slots.values():
            assert total & slot.mask == 0
            total |= slot.mask
            assert slot.variable.sort.size(ground.structure.size) <= 1 << slot.width
        assert total == (1 << ground.bits) - 1


def test_steps_are_ordered_by_action_and_then_by_element() -> None:
    """Steps that can never be possible are left out."""
    _, rooms, _ = grounds()
    assert [s.name for s in rooms.steps] == [
        "enter(attic)", "enter(hall)", "enter(den)", "enter(cellar)", "go(attic, den)", "go(hall, cellar)",
        "go(den, cellar)", "go_on(attic, den)", "go_on(attic, hall)", "go_on(hall, cellar)", "go_on(den, cellar)",
        "close",
    ]  # fmt: skip
    assert [s.index for s in rooms.steps] == list(range(12))


def shown(ground: GroundSpecification, state: int) -> dict[str, str]:
    """Every value of a state, as shown."""
    labels = ground.structure.labels
    return {
        name if e is None else f"{name}[{labels[e]}]": ground.show(slot, state)
        for (name, e), slot in ground.slots.items()
    }


def after(ground: GroundSpecification, *names: str) -> int:
    """The state after the steps of these names."""
    state = ground.initial
    for name in names:
        (step,) = [s for s in ground.steps if s.name == name]
        assert ground.evaluate(step.guard, state), name
        state = ground.apply(state, step.updates)
    return state


def test_optional_elements_go_through_the_state() -> None:
    """No element, an element, the first in the order of a relation, the one after it, and none after the last."""
    _, rooms, _ = grounds()
    assert shown(rooms, rooms.initial)["at"] == "None"
    assert shown(rooms, after(rooms, "enter(attic)"))["at"] == "attic"
    down = shown(rooms, after(rooms, "enter(attic)", "go(attic, den)"))
    assert (down["at"], down["last[den]"], down["last[hall]"]) == ("den", "attic", "None")
    beside = after(rooms, "enter(attic)", "go(attic, den)", "go_on(attic, den)")
    assert shown(rooms, beside)["at"] == "hall"
    assert shown(rooms, after(rooms, "enter(hall)", "go_on(attic, hall)"))["at"] == "None"


def test_values_are_shown_as_the_text_spells_them() -> None:
    """Members by name, integers with their bound added, elements by label."""
    _, rooms, _ = grounds()
    found = shown(rooms, after(rooms, "enter(attic)", "go(attic, den)", "go(den, cellar)"))
    assert found["count"] == "5"
    assert found["grade[hall]"] == "FAIR"
    assert found["grade[attic]"] == "POOR"
    lock = grounds()[0]
    assert shown(lock, after(lock, "look(b)", "take(b)")) == {
        "pc[a]": "IDLE", "pc[b]": "INSIDE", "pc[c]": "IDLE", "locked": "True",
    }  # fmt: skip


def test_a_number_stays_at_its_upper_bound() -> None:
    """Adding past the end of the range does not leave it."""
    ground = GroundSpecification(
        build(name="count", doc="d", state=Tour, actions=[count_up], properties=[]), Structure("nothing", ())
    )
    assert shown(ground, after(ground, *["count_up"] * 3))["count"] == "8"


def test_the_next_one_of_what_is_not_related_is_none() -> None:
    """`following` is a total function, so that it can stand behind a condition that is not met."""
    specification = build(name="next", doc="d", state=Tour, actions=[], properties=[NothingFollows])
    ground = GroundSpecification(specification, ROOMS)
    (p,) = specification.properties
    assert [ground.evaluate(c.ground, ground.initial) for c in ground.claims(p)] == [1, 0, 0, 0]


def test_a_structure_of_one_element_needs_no_bits_for_it() -> None:
    """A variable with one value has no slot to be read."""
    ground = GroundSpecification(mutex.specification(atomic=True), mutex.domain.load("1", {}))
    assert (ground.bits, len(ground.steps)) == (3, 2)


def test_groups_share_a_table_where_a_root_covers_them() -> None:
    """Items whose bits one root has are together; others are by themselves; mostly equal groups are merged."""
    assert grouped([(1, "a"), (2, "b"), (8, "c")], [3, 7]) == [(3, ["a", "b"]), (8, ["c"])]
    assert merged([(0b1111, ["a"]), (0b11111, ["b"]), (0b1100000, ["c"])]) == [
        (0b11111, ["b", "a"]),
        (0b1100000, ["c"]),
    ]


def test_a_long_chain_is_grounded_and_leaves_the_recursion_limit_alone() -> None:
    """Definitions that recurse along 120 nodes; nobody else can run deep because of it."""
    limit = sys.getrecursionlimit()
    conforming = saga.specify(saga.design("conforming").settings, {})
    ground = GroundSpecification(conforming, saga.load("chain:120", {}))
    steps = Successors(ground)
    possible = steps.enabled(ground.initial)
    assert possible
    reached = [steps.after(i, ground.initial) for i in possible]
    assert reached == [ground.apply(ground.initial, ground.steps[i].updates) for i in possible]
    (first, *_) = [p for p in conforming.properties if p.kind is Kind.ALWAYS]
    assert all(ground.evaluate(c.ground, ground.initial) for c in ground.claims(first))
    assert sys.getrecursionlimit() == limit


@pytest.mark.parametrize("depth", [3000])
def test_an_expression_of_any_depth_is_compiled(depth: int) -> None:
    """Python's parser has a limit, deep expressions get names on the way."""
    ground = GroundSpecification(mutex.specification(atomic=True), mutex.domain.load("2", {}))
    table = ground.table
    bits = [table.slot(s) for s in ground.slots.values()]
    a = table.equal(bits[0], table.const(0))
    deep = a
    for i in range(depth):
        deep = table.make("ite", (a if i % 2 else table.negation(a), table.negation(deep), deep), None)
    function = compile_packed([(deep, 0)])
    for state in range(1 << ground.bits):
        assert function(state) == ground.evaluate(deep, state)


def test_code_for_thousands_of_parts_compiles() -> None:
    """A step that writes thousands of slots is no deeper for Python's compiler than one that writes two."""
    table = GroundTable()
    packed = compile_packed([(table.const(n % 2), n) for n in range(20_000)])
    assert packed(0) == sum((n % 2) << n for n in range(20_000))
