"""Reading text gives the expressions that it says: the front end, the loops, the definitions, the design choices."""

# ruff: noqa: D103, ARG001, SIM103, SIM208 - the texts that are read say what they are by their names

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mutex
import sagacheck.language
from command_line import MUTEX, process
from sagacheck import Specification
from sagacheck._expr import (
    FALSE,
    TRUE,
    Expr,
    FunctionSort,
    apply,
    conjunction,
    const,
    disjunction,
    equal,
    fresh_bound,
    ite,
    less,
    make,
    negation,
    render,
    store,
    walk,
)
from sagacheck._sorts import BOOL, ELEMENT, OPTIONAL_ELEMENT, EnumSort, RangeSort
from sagacheck._specification import Kind
from sagacheck.language import (
    Element,
    PerElement,
    StateBase,
    action,
    always,
    build,
    define,
    element,
    elements,
    eventually,
    per_element,
    predicate,
    procedure,
    relation,
    require,
    scalar,
    sometimes,
)

above = relation("above")
below = relation("below")
special = predicate("special")
TOP = element("top")


class Pc(enum.Enum):
    """Where a process is."""

    IDLE = "idle"
    TRYING = "trying"
    INSIDE = "inside"


class State(StateBase):
    """One variable of each sort."""

    atomic: bool
    most: int
    pc: PerElement[Pc] = per_element(Pc, Pc.IDLE, group="processes", doc="where")
    marked: PerElement[bool] = per_element(bool, False, group="processes", doc="marked")
    locked: bool = scalar(bool, True, group="lock", doc="taken")
    count: int = scalar(range(2, 6), 3, group="lock", doc="a number")
    turn: Element | None = scalar(OPTIONAL_ELEMENT, None, group="lock", doc="whose turn")
    extra: bool = scalar(bool, False, group="lock", doc="of one design", given=lambda p: p.atomic)


@define
def calm(s: State, n: Element) -> bool:
    """Neither it nor anything below it is inside."""
    return s.pc[n] != Pc.INSIDE and all(calm(s, m) for m in below(n))


@define
def next_of(s: State, pc: Pc) -> Pc:
    """The one after it."""
    if pc == Pc.IDLE:
        return Pc.TRYING
    if pc == Pc.TRYING:
        return Pc.INSIDE
    return Pc.IDLE


@procedure
def free(s: State) -> None:
    """Free the lock unless it is free."""
    if not s.locked:
        return
    s.locked = False
    s.turn = None


def read(function: Callable[..., Any], *, writes: bool = False, **parameters: Any) -> Specification:
    """A specification of this one function, as an action or as a property."""
    given = {"atomic": True, "most": 4, **parameters}
    common = {"name": "t", "doc": "t", "state": State, "parameters": given, "recursion": "below"}
    function.__doc__ = "Something."
    if writes:
        return build(**common, actions=[action("somebody")(function)], properties=[])  # type: ignore[arg-type]
    made = always(because="b", source="s", wrong="w")(function)
    return build(**common, actions=[], properties=[made])  # type: ignore[arg-type]


def claim(function: Callable[..., Any], **parameters: Any) -> str:
    """What the function says as a property."""
    (p,) = read(function, **parameters).properties
    return render(p.body)


def step(function: Callable[..., Any], **parameters: Any) -> tuple[str, dict[str, str]]:
    """What the function says as an action: its guard and its updates."""
    (a,) = read(function, writes=True, **parameters).actions
    return " and ".join(render(g) for g in a.guard), {v: render(e) for v, e in a.updates.items()}


# fmt: off
def conjunction_(s, n): return s.locked and s.marked[n] and s.pc[n] == Pc.IDLE
def disjunction_(s, n): return s.locked or not s.marked[n] or s.pc[n] != Pc.IDLE
def membership(s, n): return s.pc[n] in (Pc.IDLE, Pc.INSIDE)
def no_membership(s, n): return s.pc[n] not in (Pc.IDLE, Pc.INSIDE)
def membership_in_a_set(s, n): return s.pc[n] in {Pc.INSIDE, Pc.IDLE}
def related(s, n): return TOP in above(n)
def not_related(s, n): return TOP not in above(n)
def chain(s): return 2 < s.count <= 4
def at_least(s): return s.count >= 4
def choice(s, n): return s.pc[n] == (Pc.IDLE if s.locked else Pc.INSIDE)
def of_all(s): return all(s.marked[m] for m in elements())
def of_some(s, n): return any(s.marked[m] for m in above(n))
def of_all_where(s, n): return all(s.marked[m] for m in below(n) if m != TOP)
def of_some_where(s, n): return any(s.marked[m] for m in below(n) if special(m))
def of_pairs(s): return all(s.marked[m] for a in elements() for m in below(a))
def of_plain_values(s): return any(s.count == c for c in (2, 4))
def of_plain_values_where(s): return all(s.count == c for c in (2, 3, 4) if c > 2)
def of_nothing(s): return all(s.count == c for c in ())
def first(s, n): return s.turn == above.first(n)
def following(s, n): return s.turn == above.following(n, TOP)
def whose_turn(s, n): return s.turn == n
def nobodys_turn(s): return s.turn is None
def somebodys_turn(s): return s.turn is not None
def called(s, n): return calm(s, n)
def called_by_value(s, n): return next_of(s, s.pc[n]) == Pc.IDLE
def twice_no(s): return not (not s.locked)
def known_at_once(s): return s.locked or s.atomic
def contradiction(s): return s.locked and not s.locked
def by_the_design(s, n): return s.marked[n] if s.atomic else s.locked
def by_a_number(s): return s.count == s.most
def one_branch(s, n):
    if s.locked:
        return s.marked[n]
    if s.count == 2:
        return False
    return True
def local_names(s, n):
    mine = s.pc[n]
    idle = mine == Pc.IDLE
    return idle or mine == Pc.TRYING
# fmt: on


CLAIMS = [
    (conjunction_, "(locked and marked[n] and (pc[n] = IDLE))"),
    (disjunction_, "(locked or not marked[n] or pc[n] != IDLE)"),
    (membership, "((pc[n] = IDLE) or (pc[n] = INSIDE))"),
    (no_membership, "not ((pc[n] = IDLE) or (pc[n] = INSIDE))"),
    (membership_in_a_set, "((pc[n] = IDLE) or (pc[n] = INSIDE))"),
    (related, "top in above(n)"),
    (not_related, "not top in above(n)"),
    (chain, "((2 < count) and not (4 < count))"),
    (at_least, "not (count < 4)"),
    (choice, "(pc[n] = (IDLE if locked else INSIDE))"),
    (of_all, "all(marked[m] for m in elements())"),
    (of_some, "any(marked[m] for m in above(n))"),
    (of_all_where, "all(((m = top) or marked[m]) for m in below(n))"),
    (of_some_where, "any((special(m) and marked[m]) for m in below(n))"),
    (of_pairs, "all(all(marked[m] for m in below(a)) for a in elements())"),
    (of_plain_values, "((count = 2) or (count = 4))"),
    (of_plain_values_where, "((count = 3) and (count = 4))"),
    (of_nothing, "True"),
    (first, "(turn = above.first(n))"),
    (following, "(turn = above.following(n, top))"),
    (whose_turn, "(turn = n)"),
    (nobodys_turn, "(turn = None)"),
    (somebodys_turn, "turn != None"),
    (called, "calm(n)"),
    (called_by_value, "(next_of(pc[n]) = IDLE)"),
    (twice_no, "locked"),
    (known_at_once, "True"),
    (contradiction, "False"),
    (by_the_design, "marked[n]"),
    (by_a_number, "(count = 4)"),
    (one_branch, "(marked[n] if locked else count != 2)"),
    (local_names, "((pc[n] = IDLE) or (pc[n] = TRYING))"),
]


@pytest.mark.parametrize(("function", "expected"), CLAIMS, ids=lambda x: getattr(x, "__name__", None))
def test_a_condition_says_what_its_text_says(function: Callable[..., Any], expected: str) -> None:
    """The expression, in a form close to the text."""
    assert claim(function) == expected


# fmt: off
def assign(s, n):
    require(s.pc[n] == Pc.IDLE and not s.locked)
    require(s.count < 4)
    s.pc[n] = Pc.INSIDE
    s.locked = True
def assign_under_a_condition(s, n):
    if s.locked:
        s.pc[n] = Pc.TRYING
    else:
        s.pc[n] = Pc.INSIDE
        s.locked = True
def read_what_was_written(s, n):
    s.marked[n] = s.locked
    s.locked = not s.marked[n]
    s.turn = n if s.locked else None
def elif_(s):
    if s.count == 2:
        s.count = 3
    elif s.locked:
        s.count = 4
def return_early(s, n):
    if s.locked:
        return
    s.locked = True
    if s.marked[n]:
        return
    s.count = 5
def of_all_elements(s):
    for m in elements():
        s.marked[m] = s.pc[m] == Pc.IDLE
def of_related_elements(s, n):
    for m in below(n):
        if s.pc[m] == Pc.IDLE:
            s.marked[m] = True
def in_order(s):
    for m in elements():
        s.marked[m] = s.locked
    s.locked = all(s.marked[m] for m in elements())
def plain_loop(s):
    for number in (2, 3):
        require(s.count != number)
def add(s): s.count = s.count + 2
def add_the_upper_bound(s): s.count = s.count + 9
def with_a_procedure(s): free(s)
def written_back(s, n): s.pc[n] = s.pc[n]
def build_time_choice(s):
    new = 2
    if s.atomic:
        new = 4
        s.extra = True
    s.count = new
# fmt: on


STEPS = [
    (
        assign,
        "(pc[n] = IDLE) and not locked and (count < 4)",
        {"pc": "[pc with n -> INSIDE]", "locked": "True"},
    ),
    (
        assign_under_a_condition,
        "",
        {"pc": "[pc with n -> (INSIDE if not locked else (TRYING if locked else pc[n]))]", "locked": "True"},
    ),
    (
        read_what_was_written,
        "",
        {"marked": "[marked with n -> locked]", "locked": "not locked", "turn": "(n if not locked else None)"},
    ),
    (elif_, "", {"count": "(4 if (count != 2 and locked) else (3 if (count = 2) else count))"}),
    (
        return_early,
        "",
        {"locked": "True", "count": "(5 if (not locked and not marked[n]) else count)"},
    ),
    (of_all_elements, "", {"marked": "[m -> (pc[m] = IDLE)]"}),
    (of_related_elements, "", {"marked": "[m -> (((pc[m] = IDLE) or marked[m]) if m in below(n) else marked[m])]"}),
    (in_order, "", {"marked": "[m -> locked]", "locked": "all([m -> locked][m] for m in elements())"}),
    (plain_loop, "count != 2 and count != 3", {}),
    (add, "", {"count": "count + 2"}),
    (add_the_upper_bound, "", {"count": "count + 9"}),
    (with_a_procedure, "", {"locked": "False", "turn": "(None if locked else turn)"}),
    (written_back, "", {}),
    (build_time_choice, "", {"count": "4", "extra": "True"}),
]


@pytest.mark.parametrize(("function", "guard", "updates"), STEPS, ids=lambda x: getattr(x, "__name__", None))
def test_a_step_does_what_its_text_says(function: Callable[..., Any], guard: str, updates: dict[str, str]) -> None:
    """Guard and updates over the state before; text is read one line after the other."""
    assert step(function) == (guard, updates)


def test_the_choices_of_the_design_leave_no_trace_in_the_expression() -> None:
    """A plain `if` on a parameter is decided while the text is read; the branch not taken is not even looked at."""
    assert claim(by_the_design, atomic=False) == "locked"
    assert step(build_time_choice, atomic=False) == ("", {"count": "2"})
    assert claim(by_a_number, most=2) == "(count = 2)"


def test_a_variable_of_another_design_is_not_there() -> None:
    """`given` decides on the parameters; the others have their sorts, groups and initial values as codes."""
    with_, without = read(of_all), read(of_all, atomic=False)
    assert [v.name for v in with_.variables] == ["pc", "marked", "locked", "count", "turn", "extra"]
    assert [v.name for v in without.variables] == ["pc", "marked", "locked", "count", "turn"]
    sorts = [(v.sort, v.per_element, v.initial, v.group) for v in without.variables]
    assert sorts == [
        (EnumSort(Pc), True, 0, "processes"), (BOOL, True, 0, "processes"), (BOOL, False, 1, "lock"),
        (RangeSort(2, 5), False, 1, "lock"), (OPTIONAL_ELEMENT, False, 0, "lock"),
    ]  # fmt: skip
    assert with_.variable("pc").expression_sort == FunctionSort(EnumSort(Pc))
    with pytest.raises(KeyError):
        without.variable("extra")


# The front end and expressions made by hand -----------------------------------------------------------------

PC, MARKED = (make("var", (), n, FunctionSort(s)) for n, s in (("pc", EnumSort(Pc)), ("marked", BOOL)))
LOCKED, COUNT = make("var", (), "locked", BOOL), make("var", (), "count", RangeSort(2, 5))
TURN = make("var", (), "turn", OPTIONAL_ELEMENT)
IDLE, TRYING, INSIDE = (const(i, EnumSort(Pc)) for i in range(3))


def same(a: Expr, b: Expr, renamed: dict[int, int]) -> bool:
    """The same graph, up to which number a bound variable has."""
    if a.op == b.op == "bound":
        return renamed.setdefault(a.uid, b.uid) == b.uid
    if (a.op, a.sort, len(a.args)) != (b.op, b.sort, len(b.args)) or (a.op != "call" and a.data != b.data):
        return False
    return all(same(x, y, renamed) for x, y in zip(a.args, b.args, strict=True))


def by_hand_conjunction(n: Expr) -> Expr:
    """Of `conjunction_`."""
    return conjunction((LOCKED, apply(MARKED, n), equal(apply(PC, n), IDLE)))


def by_hand_no_membership(n: Expr) -> Expr:
    """Of `no_membership`."""
    return negation(disjunction((equal(apply(PC, n), IDLE), equal(apply(PC, n), INSIDE))))


def by_hand_choice(n: Expr) -> Expr:
    """Of `choice`."""
    return equal(apply(PC, n), ite(LOCKED, IDLE, INSIDE))


def by_hand_quantifier(n: Expr) -> Expr:
    """Of `of_all_where`."""
    m = fresh_bound("m")
    within = make("related", (n, m), "below", BOOL)
    body = disjunction((equal(m, make("element", (), "top", ELEMENT)), apply(MARKED, m)))
    return make("forall", (m, within, body), None, BOOL)


def by_hand_early_return(n: Expr) -> Expr:
    """Of `one_branch`."""
    return ite(LOCKED, apply(MARKED, n), ite(equal(COUNT, const(0, RangeSort(2, 5))), FALSE, TRUE))


def by_hand_turn(n: Expr) -> Expr:
    """Of `whose_turn`."""
    return equal(TURN, make("some", (n,), None, OPTIONAL_ELEMENT))


def by_hand_chain(n: Expr) -> Expr:
    """Of `chain`."""
    two, four = const(0, RangeSort(2, 5)), const(2, RangeSort(2, 5))
    return conjunction((less(two, COUNT), negation(less(four, COUNT))))


@pytest.mark.parametrize(
    ("function", "by_hand"),
    [
        (conjunction_, by_hand_conjunction),
        (no_membership, by_hand_no_membership),
        (choice, by_hand_choice),
        (of_all_where, by_hand_quantifier),
        (one_branch, by_hand_early_return),
        (whose_turn, by_hand_turn),
        (chain, by_hand_chain),
    ],
    ids=lambda x: x.__name__,
)
def test_the_front_end_makes_the_graph_that_is_made_by_hand(
    function: Callable[..., Any], by_hand: Callable[[Expr], Expr]
) -> None:
    """Text and the constructors of expressions give the same graph, and the very same object without quantifiers."""
    (p,) = read(function).properties
    n = p.params[0] if p.params else fresh_bound("n")
    made = by_hand(n)
    assert same(p.body, made, {n.uid: n.uid})
    if not any(e.op in ("forall", "exists") for e in walk(made)):
        assert p.body is made


def test_updates_are_the_functions_that_are_made_by_hand() -> None:
    """A write at an element is a store; a write in a loop over all elements is a lambda."""
    (a,) = read(assign, writes=True).actions
    (n,) = a.params
    assert a.guard == tuple(a.guard)
    assert [g.uid for g in a.guard] == [
        equal(apply(PC, n), IDLE).uid, negation(LOCKED).uid, less(COUNT, const(2, RangeSort(2, 5))).uid,
    ]  # fmt: skip
    assert a.updates["pc"] is store(PC, n, INSIDE)
    assert a.updates["locked"] is TRUE
    (a,) = read(of_all_elements, writes=True).actions
    found = a.updates["marked"]
    m = fresh_bound("m")
    assert same(found, make("lambda", (m, equal(apply(PC, m), IDLE)), None, FunctionSort(BOOL)), {})


# Definitions ------------------------------------------------------------------------------------------------


def test_a_definition_keeps_its_name_its_text_and_what_it_reads() -> None:
    """It is read once, however often it is called."""
    specification = read(called)
    (d,) = specification.definitions
    assert (d.name, d.doc, d.recursive, d.reads) == (
        "calm", "Neither it nor anything below it is inside.", True, frozenset({"pc"}),
    )  # fmt: skip
    assert d.body is not None
    assert render(d.body) == "(pc[n] != INSIDE and all(calm(m) for m in below(n)))"
    assert d.place[0] == __file__


def test_a_definition_takes_values_and_gives_values() -> None:
    """An early return of one value after the other is an if-expression; a parameter has the sort of its annotation."""
    (d,) = read(called_by_value).definitions
    assert d.body is not None
    assert render(d.body) == "(TRYING if (pc = IDLE) else (INSIDE if (pc = TRYING) else IDLE))"
    assert (d.params[0].sort, d.result, d.recursive) == (EnumSort(Pc), EnumSort(Pc), False)


def test_a_definition_that_is_called_after_a_write_sees_the_state_so_far() -> None:
    """The call carries the functions that the text has changed, and that it reads."""

    def marked_then_asked(s: State, n: Element) -> None:
        s.pc[n] = Pc.INSIDE
        s.marked[n] = True
        s.locked = calm(s, n)

    (a,) = read(marked_then_asked, writes=True).actions
    call = a.updates["locked"]
    assert call.op == "call"
    (name, so_far), *others = call.data[1]
    assert (name, others) == ("pc", [])
    assert so_far is store(PC, a.params[0], INSIDE)


# Properties and actions -------------------------------------------------------------------------------------


def test_properties_keep_what_is_said_of_them() -> None:
    """Kind, reason, source, words, the promise's start, what they need, and why they are excluded."""

    def idle(s: State) -> bool:
        return s.count == 2

    said: dict[str, Any] = {"because": "b", "source": "s"}
    made = [
        always(**said, wrong="w", excluded=lambda p: "most=4" if p.most == 4 else "")(named("Always")),
        sometimes(**said, needs=["special"])(named("Sometimes")),
        eventually(**said, wrong="w", after=idle)(named("Eventually")),
    ]
    one, two, three = build(
        name="t", doc="t", state=State, actions=[], properties=made, parameters={"atomic": True, "most": 4}
    ).properties
    assert [p.kind for p in (one, two, three)] == [Kind.ALWAYS, Kind.SOMETIMES, Kind.EVENTUALLY]
    assert (one.name, one.excluded, one.because, one.source, one.wrong) == ("Always", "most=4", "b", "s", "w")
    assert (two.needs, two.excluded, two.after) == (("special",), "", None)
    assert three.after is not None
    assert render(three.after) == "(count = 2)"


def named(name: str) -> Callable[[State], bool]:
    """A property's text with this name."""

    def claimed(s: State) -> bool:
        """The lock is taken."""
        return s.locked

    claimed.__name__ = name
    return claimed


def test_actions_keep_actor_fairness_and_parameters() -> None:
    """A step that happens finitely often is not fair; the second element is over a relation of the first."""

    def both(s: State, n: Element, p: Element) -> None:
        """{n} and {p}."""
        require(s.marked[n] and s.marked[p])

    def alone(s: State) -> None:
        """Alone."""
        require(s.locked)

    made = [action("x", over="below")(both), action("y", finitely=True)(alone)]
    one, two = build(name="t", doc="t", state=State, actions=made, properties=[], parameters={"atomic": True}).actions
    assert (one.actor, one.over, [p.data[0] for p in one.params], one.fair) == ("x", "below", ["n", "p"], True)
    assert (two.finitely, two.fair, two.params, two.doc) == (True, False, (), "Alone.")


def test_an_action_of_another_design_is_not_there() -> None:
    """`given` decides on the parameters."""

    def alone(s: State) -> None:
        """Alone."""
        require(s.locked)

    made = [action("x", given=lambda p: not p.atomic)(alone)]
    for atomic in (True, False):
        found = build(name="t", doc="t", state=State, actions=made, properties=[], parameters={"atomic": atomic})
        assert len(found.actions) == (not atomic)


def test_the_initial_state_may_be_made_by_a_procedure() -> None:
    """It starts from the declared initial values and may use the structure."""

    def start(s: State) -> None:
        s.marked[TOP] = True
        s.locked = False

    found = build(
        name="t", doc="t", state=State, actions=[], properties=[], initial=start, parameters={"atomic": True}
    ).initial
    assert {v: render(e) for v, e in found.items()} == {"marked": "[marked with top -> True]", "locked": "False"}


# Expressions ------------------------------------------------------------------------------------------------


def test_equal_expressions_are_one_object() -> None:
    """Interning keys on the sort too: True of the truth values is not 1 of the numbers."""
    assert equal(LOCKED, FALSE) is negation(LOCKED)
    assert conjunction((LOCKED, TRUE, LOCKED)) is LOCKED
    assert const(1, BOOL) is TRUE
    assert const(1, RangeSort(0, 1)) is not TRUE


@pytest.mark.parametrize(
    "use", [bool, hash, lambda e: e == e, lambda e: e != TRUE, lambda e: e in {1: 2}, lambda e: [1].index(e)]
)
def test_an_expression_is_no_plain_value(use: Callable[[Expr], Any]) -> None:
    """Truth, equality and hash in Python would all answer something else than what the text asks."""
    with pytest.raises(TypeError, match="mark the function with @define"):
        use(LOCKED)


def test_walking_is_over_shared_parts_once_and_over_deep_ones_at_all() -> None:
    """A graph of 2,000 layers, each used twice by the next, has 2,000 parts and no end as a tree."""
    e = LOCKED
    for i in range(2000):
        test = equal(COUNT, const(i % 4, RangeSort(2, 5)))
        e = make("ite", (test, e, make("not", (e,), None, BOOL)), None, BOOL)
    parts = list(walk(e))
    assert len(parts) == len({p.uid for p in parts}) == 4010
    seen: set[int] = set()
    for p in parts:
        assert all(a.uid in seen for a in p.args)
        seen.add(p.uid)


# The tutorial -----------------------------------------------------------------------------------------------

TUTORIAL = (Path(__file__).parents[2] / "docs" / "language.md").read_text(encoding="utf-8")


def test_the_tutorial_shows_the_specification_that_is_tested() -> None:
    """Each Python excerpt in docs/language.md stands, to the letter, in the lock's specification."""
    excerpts = re.findall(r"^```python\n(.*?)^```", TUTORIAL, flags=re.DOTALL | re.MULTILINE)
    text = Path(mutex.__file__).read_text(encoding="utf-8")
    assert len(excerpts) == 4
    assert [e for e in excerpts if e not in text] == []


def test_the_tutorial_shows_what_the_command_prints() -> None:
    """The trace in docs/language.md is the one that its command shows."""
    (trace,) = re.findall(r"^```\n(#   who.*?)^```", TUTORIAL, flags=re.DOTALL | re.MULTILINE)
    assert trace in process(MUTEX, "check", "--design", "look-then-take", "--processes", "2").stdout


def test_the_tutorial_names_every_word_of_the_language() -> None:
    """Nothing that a text may import is left out."""
    assert [n for n in sagacheck.language.__all__ if not re.search(rf"\b{n}\b", TUTORIAL)] == []
