"""Claims about the explorer: it finds what a search finds that has no tables, no order of steps and no short cuts.

The second search is naive on purpose: a worklist, level by level, that asks for every guard in every state with the
plain evaluator of the ground layer. It is a second search, not a second specification. Random sagas, designs and
environments are the input; those with many states are left out, for the naive search is slow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from panics import judge
from sagacheck import DEADLOCK, GroundSpecification, Kind, Limits, Outcome, Property, Verdict
from sagacheck._explore import Search
from sagaspec import domain

MOST_STATES = 500
AGREE = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)

PROPERTIES = tuple(
    p.name
    for p in domain.specify(domain.design("steno-0.4.1").settings, {}).properties
    if p.kind is not Kind.EVENTUALLY and not p.excluded
)


@dataclass(frozen=True)
class Model:
    """What is searched: a saga, a design, an environment, the properties to be decided on the way."""

    dag: str
    design: dict[str, str]
    environment: dict[str, str]
    properties: set[str]


@dataclass
class Naive:
    """What the naive search found.

    Attributes:
        states: every reachable state. edges: (state, step, state). depth: property -> steps to the nearest state that
            decides it: that violates an *always* or the rule of deadlock, or shows a *sometimes*.
    """

    states: set[int] = field(default_factory=set)
    edges: set[tuple[int, str, int]] = field(default_factory=set)
    depth: dict[str, int] = field(default_factory=dict)


def searched(ground: GroundSpecification, properties: Sequence[Property]) -> Naive:
    """Level by level, everything asked of everything."""
    found = Naive()
    claims = [claim for p in properties for claim in ground.claims(p)]
    rest = ground.value(ground.specification.rest, {})
    level, depth = {ground.initial}, 0
    while level:
        found.states |= level
        following: set[int] = set()
        for state in level:
            for claim in claims:
                if bool(ground.evaluate(claim.ground, state)) is (claim.property.kind is Kind.SOMETIMES):
                    found.depth.setdefault(claim.property.name, depth)
            possible = [step for step in ground.steps if ground.evaluate(step.guard, state)]
            if not any(step.action.fair for step in possible) and not ground.evaluate(rest, state):
                found.depth.setdefault(DEADLOCK.name, depth)
            for step in possible:
                after = ground.apply(state, step.updates)
                found.edges.add((state, step.name, after))
                following.add(after)
        level, depth = following - found.states, depth + 1
    return found


@st.composite
def sagas(draw: st.DrawFn) -> str:
    """A DAG of up to six actions, as edges in any order."""
    size = draw(st.integers(1, 6))
    names = "abcdef"[:size]
    possible = [(a, b) for b in names for a in names if a < b]
    fewest = size - 1  # with fewer edges most sagas have too many states
    edges = draw(st.lists(st.sampled_from(possible), unique=True, min_size=fewest, max_size=9)) if possible else []
    linked = {end for edge in edges for end in edge}
    return ",".join([*(n for n in names if n not in linked), *(f"{a}>{b}" for a, b in edges)])


@st.composite
def designs(draw: st.DrawFn) -> dict[str, str]:
    """A point of the whole space; one that means nothing is drawn again."""
    every = st.fixed_dictionaries({axis.name: st.sampled_from(axis.values) for axis in domain.axes})
    return draw(every.filter(lambda chosen: not domain.refuse(chosen)))


@st.composite
def models(draw: st.DrawFn) -> Model:
    """A saga, a design, an environment in which few things may fail, and some of the properties to decide."""
    dag = draw(sagas())
    names = sorted(set(dag) & set("abcdef"))
    one = st.sampled_from(["none", *names])
    environment = {"crashes": draw(st.sampled_from(("0", "1"))), "fail": draw(one), "undo-fail": draw(one)}
    return Model(dag, draw(designs()), environment, draw(st.sets(st.sampled_from(PROPERTIES), min_size=3, max_size=6)))


def agree(model: Model, most_states: int = MOST_STATES) -> Naive | None:
    """What both searches find alike; None for a model that is too large."""
    ground = GroundSpecification(
        domain.specify(model.design, model.environment), domain.load(model.dag, model.environment)
    )
    asked = [p for p in ground.specification.properties if p.name in model.properties]
    explorer = Search(ground, asked, Limits(states=most_states), DEADLOCK, to_the_end=True)
    explorer.run()
    if not explorer.complete:
        return None
    naive = searched(ground, asked)
    assert len(explorer.states) == len(naive.states)
    assert set(explorer.states) == naive.states
    assert edges(explorer) == naive.edges
    assert {name: len(explorer.trace(n).steps) for name, (n, _) in explorer.found.items()} == naive.depth
    for p in asked:
        if p.name in explorer.found:
            number, element = explorer.found[p.name]
            judge(Outcome(p, Verdict.VIOLATED, explorer.trace(number), element))
    return naive


def edges(search: Search) -> set[tuple[int, str, int]]:
    """The steps that a search that kept them has taken."""
    return {
        (state, search.ground.steps[search.edge_step[e]].name, search.states[search.edge_target[e]])
        for n, state in enumerate(search.states)
        for e in range(search.edge_start[n], search.edge_start[n + 1])
    }


@AGREE
@given(models())
def test_the_explorer_agrees_with_a_naive_search(model: Model) -> None:
    """The same states, the same named steps between them, the same violations at the same depth, on random models."""
    assume(agree(model) is not None)


def test_the_comparison_is_not_one_of_empty_sets() -> None:
    """On a model in which much goes wrong both searches find violations, and they agree on these."""
    wrong = {"NoPanic", "NoTornState", "SingleWriter", "StatusAvailable"}
    design = dict(domain.design("steno-0.4.1").settings)
    naive = agree(Model("a>c,a>b,b>c", design, {"crashes": "1", "fail": "b", "undo-fail": "none"}, wrong), 2_000)
    assert naive is not None
    assert wrong == set(naive.depth)
    assert len(naive.edges) > len(naive.states) > 100
