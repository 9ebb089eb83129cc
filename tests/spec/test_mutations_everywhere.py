"""Claims about the mutants of `test_mutations` that change nothing: they change nothing on any saga that is proved.

What is called *unchanged* there has the state graph of the unbroken design on a few small sagas. Here it is on all
sagas on which the design is proved (`test_conforming`). No graph of a mutant is built for that. A mutant differs from
the unbroken design in its initial state or in one action, so it is enough that

- its initial state is the same,
- in every reachable state of the unbroken design each step of the action is possible for the mutant exactly if it is
  possible unbroken, and then leads to the same next state.

By induction on the length of a path the mutant reaches the same states by the same steps: from the initial state, which
both have, and if both reach a state, they have the same steps from there, to the same states. So the two graphs are
equal, states and named steps alike; and as properties, fairness and legal ends are none of what is broken, no property
can tell them apart.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import pytest
from test_conforming import FAMILIES, LIMITS
from test_mutations import benches, conforming, graph, mutants, verdicts

from sagacheck import DEADLOCK, GroundSpecification, Specification
from sagacheck._engine import ClaimTable
from sagacheck._explore import Search
from sagacheck._ground import Claim
from sagacheck._ground_expr import Ground
from sagacheck._specification import Action
from sagaspec import domain
from small_dags import all_small_dags


def differing(dag: str, names: Iterable[str] | None = None) -> set[str]:
    """The mutants, of those names or of all, that have another state graph than the unbroken design on this saga."""
    ground = GroundSpecification(conforming(), domain.load(dag, {}))
    search = Search(ground, [], LIMITS, to_the_end=True)
    search.run()
    assert search.complete
    chosen = dict(mutants(conforming()))
    if names is not None:
        chosen = {name: chosen[name] for name in names}
    result = {name for name, mutant in chosen.items() if initial(ground, mutant) != ground.initial}
    claims = [
        Claim(dataclasses.replace(DEADLOCK, name=name), None, difference)  # the name is all that is used of a property
        for name, mutant in chosen.items()
        for difference in differences(ground, mutant)
    ]
    shows = ClaimTable(ground, claims, negated=False)
    for state in search.states:
        result.update(claim.property.name for claim in shows(state))
    return result


def initial(ground: GroundSpecification, mutant: Specification) -> int:
    """The initial state of the mutant."""
    if mutant.initial is ground.specification.initial:
        return ground.initial
    start = sum(slot.variable.initial << slot.offset for slot in ground.slots.values())
    return ground.apply(start, ground.unroll(mutant.initial, {}))


def differences(ground: GroundSpecification, mutant: Specification) -> Iterator[Ground]:
    """For each step of the broken action, where it is not the same; also for steps that unbroken are never possible."""
    table = ground.table
    for action, broken in zip(ground.specification.actions, mutant.actions, strict=True):
        if action is not broken:
            assert dataclasses.replace(broken, guard=action.guard, updates=action.updates) == action
            for elements in ground._tuples(action):
                before, after = guard(ground, action, elements), guard(ground, broken, elements)
                other_guard = table.choice(after, table.negation(before), before)
                other_effect = table.junction("and", (before, other_state(ground, action, broken, elements)))
                yield table.junction("or", (table.false if before is after else other_guard, other_effect))


def guard(ground: GroundSpecification, action: Action, elements: tuple[int, ...]) -> Ground:
    """Where the action is possible for these elements."""
    binding = {p.uid: ground.table.const(e) for p, e in zip(action.params, elements, strict=True)}
    return ground.table.junction("and", (ground.value(conjunct, binding) for conjunct in action.guard))


def other_state(ground: GroundSpecification, action: Action, broken: Action, elements: tuple[int, ...]) -> Ground:
    """Where the two actions give some slot different values; a slot that is not updated keeps its own."""
    table = ground.table
    unbroken, mutated = (dict(ground.unroll_updates(a, elements)) for a in (action, broken))
    pairs = ((unbroken.get(s, table.slot(s)), mutated.get(s, table.slot(s))) for s in {**unbroken, **mutated})
    return table.junction("or", [table.negation(table.equal(*pair)) for pair in pairs])


@pytest.mark.long
def test_what_changes_nothing_on_small_sagas_changes_nothing_on_any_that_is_proved() -> None:
    """Every mutant that is unchanged on a few sagas has the graph of the unbroken design on all of them."""
    unchanged = [name for name, fate in verdicts().items() if fate == "unchanged"]
    assert unchanged
    dags = list(dict.fromkeys((*FAMILIES, *all_small_dags())))
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        found = dict(zip(dags, pool.map(partial(differing, names=unchanged), dags), strict=True))
    assert {dag: names for dag, names in found.items() if names} == {}


@pytest.mark.parametrize("dag", ["chain:1", *(pytest.param(dag, marks=pytest.mark.long) for dag in ("chain:2", "a,b"))])
def test_the_steps_differ_exactly_where_the_graphs_do(dag: str) -> None:
    """Mutants that have another graph, noticed or not, are all found by comparing steps, and no others."""
    (bench,) = (b for b in benches() if b.name == dag)
    others = {name for name, mutant in mutants(conforming()) if graph(bench.searched(mutant)) != bench.graph}
    assert differing(dag) == others
    assert 0 < len(others) < len(list(mutants(conforming())))
