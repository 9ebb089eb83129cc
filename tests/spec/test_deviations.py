"""Claims about the space of designs: what each single deviation from the conforming design breaks, and what not.

`BREAKS` is the answer as data: deviation -> saga -> the properties that break there, all others having been decided.
The two transitive sagas are the same graph with its edges in another order: the order of the walk over parents.
"""

from __future__ import annotations

import functools
from itertools import permutations

import pytest

from panics import executor, judge
from sagacheck import Limits, Result, Verdict, check
from sagaspec import domain

LIMITS = Limits(states=50_000)

FORK_JOIN = "fork-join:2"
LONG_WAY_FIRST = "a>c,a>b,b>c"  # the walk comes to a through b, and then again from c
SHORT_WAY_FIRST = "a>b,b>c,a>c"  # the walk tests a from c while b is not undone, and then through b
SAGAS = (FORK_JOIN, LONG_WAY_FIRST, SHORT_WAY_FIRST)

NOTHING: frozenset[str] = frozenset()
TORN = frozenset({"NoTornState", "NoPanic", "SingleWriter", "StatusAvailable"})
TOO_EARLY = frozenset(
    {"CompletionDurableFirst", "WriteAheadIntent", "DependencyOrder", "LegalLog", "Recoverable", "Atomicity"}
)


def everywhere(broken: frozenset[str]) -> dict[str, frozenset[str]]:
    """The same properties on each of the sagas."""
    return dict.fromkeys(SAGAS, broken)


BREAKS: dict[str, dict[str, frozenset[str]]] = {
    "writer=split": everywhere(TORN),
    "start=durable-first": everywhere(frozenset({"StartMemoryFirst"})),
    "completion=memory-first": {**everywhere(TOO_EARLY), FORK_JOIN: TOO_EARLY | {"NoPanic"}},
    "lock-across-io=yes": everywhere(frozenset({"StatusAvailable"})),
    "recovery=strict": everywhere(frozenset({"Recoverable"})),
    "assertions=off": everywhere(NOTHING),
    "intent=after": {
        **everywhere(frozenset({"WriteAheadIntent", "EffectsFollowLog"})),
        FORK_JOIN: frozenset({"WriteAheadIntent", "EffectsFollowLog", "UndoOrder", "Atomicity"}),
    },
    "stuck=once": {**everywhere(NOTHING), FORK_JOIN: frozenset({"NoPanic", "Recoverable"})},
    "revisit=panic": {**everywhere(NOTHING), LONG_WAY_FIRST: frozenset({"NoPanic"})},
    "rest=try-lock": everywhere(frozenset({"NoPanic"})),
}
VISIBILITY = frozenset({"StartMemoryFirst", "StatusAvailable"})


@functools.cache
def explored(deviation: str, dag: str) -> Result:
    """Every property of the conforming design with one axis changed ("" for none) on a saga; once for all tests."""
    axis, _, value = deviation.partition("=")
    specification = executor("conforming", {axis: value} if axis else {})
    return check(specification, domain.load(dag, {}), limits=LIMITS)


def broken(deviation: str, dag: str) -> frozenset[str]:
    """The properties that break; the verdict on every other one is known."""
    outcomes = explored(deviation, dag).outcomes
    assert Verdict.UNDETERMINED not in {o.verdict for o in outcomes}
    return frozenset(o.property.name for o in outcomes if o.verdict is Verdict.VIOLATED)


def test_the_table_has_every_deviation_on_one_axis() -> None:
    """For each axis every value that the conforming design does not have."""
    usual = domain.design("conforming").settings
    assert list(BREAKS) == [f"{a.name}={v}" for a in domain.axes for v in a.values if v != usual[a.name]]
    assert {dag for row in BREAKS.values() for dag in row} == set(SAGAS)


@pytest.mark.parametrize("dag", SAGAS)
@pytest.mark.parametrize("deviation", BREAKS)
def test_a_deviation_breaks_exactly_this(deviation: str, dag: str) -> None:
    """What breaks is what the table says, and each counterexample can be replayed to its end."""
    assert broken(deviation, dag) == BREAKS[deviation][dag]
    for outcome in explored(deviation, dag).outcomes:
        if outcome.verdict is Verdict.VIOLATED:
            judge(outcome)


@pytest.mark.parametrize("dag", SAGAS)
def test_the_conforming_design_breaks_nothing_there(dag: str) -> None:
    """So what a deviation breaks is broken by the deviation."""
    assert broken("", dag) == NOTHING


def test_only_the_assertions_can_be_dropped_for_nothing() -> None:
    """In the conforming design they never fail, on any of the sagas."""
    harmless = [deviation for deviation, row in BREAKS.items() if not any(row.values())]
    assert harmless == ["assertions=off"]
    assert [broken(deviation, dag) for deviation in harmless for dag in SAGAS] == [NOTHING] * len(SAGAS)


def test_two_deviations_break_nothing_but_visibility() -> None:
    """A start that is durable first, and a lock held over writes, harm only those who look."""
    hiding = [
        deviation
        for deviation in BREAKS
        if frozenset[str]().union(*(broken(deviation, dag) for dag in SAGAS)) in (VISIBILITY & {p} for p in VISIBILITY)
    ]
    assert hiding == ["start=durable-first", "lock-across-io=yes"]


@pytest.mark.parametrize("edges", list(permutations(("a>b", "a>c", "b>c"))), ids=",".join)
def test_the_walk_comes_twice_to_a_parent_where_the_shortcut_is_the_older_edge(edges: tuple[str, ...]) -> None:
    """Newest edge first: after b>c, and through b, the walk is at a when it comes to a>c."""
    panics = edges.index("a>c") < edges.index("b>c")
    assert broken("revisit=panic", ",".join(edges)) == ({"NoPanic"} if panics else NOTHING)


@pytest.mark.parametrize("dag", ["chain:3", "diamond", "a,b,c", "a>c,a>d,b>c,b>d"])
def test_without_a_transitive_edge_the_walk_comes_to_no_parent_twice(dag: str) -> None:
    """A parent is ready when its last child is undone, and that is one moment in the walk."""
    assert broken("revisit=panic", dag) == NOTHING


@pytest.mark.parametrize(
    ("design", "wanted"),
    [
        ("steno-0.4.1", {"NoTornState", "NoPanic", "SingleWriter", "Recoverable", "StatusAvailable"}),
        ("steno-461", {"NoPanic", "Recoverable"}),
        ("steno-461-462", {"NoPanic", "Recoverable"}),
        ("conforming", set()),
    ],
)
def test_the_named_designs_break_what_they_must(design: str, wanted: set[str]) -> None:
    """On fork-join:2, each with a counterexample that can be replayed."""
    result = check(executor(design), domain.load(FORK_JOIN, {}), limits=LIMITS)
    assert Verdict.UNDETERMINED not in {o.verdict for o in result.outcomes}
    violated = [o for o in result.outcomes if o.verdict is Verdict.VIOLATED]
    assert {o.property.name for o in violated} == wanted
    for outcome in violated:
        judge(outcome)
