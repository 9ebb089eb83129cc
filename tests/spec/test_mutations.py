"""Claims about what the properties notice: the specification is broken on purpose, in one place at a time.

For the conforming design, every conjunct of every guard is dropped, and every update of a variable, by an action or in
the initial state, is skipped. The mutant must be *noticed*, that is violate a property on one of the `SAGAS`; or leave
the reachable graph *unchanged* on all of them, states and named steps alike; or be a survivor that is listed here, with
the reason why it survives.
A search that ends at its limit has noticed nothing. (What is unchanged here is so on every saga on which the design is
proved: `test_mutations_everywhere`.)
"""

from __future__ import annotations

import copy
import dataclasses
import functools
from collections.abc import Iterator, Mapping

from panics import executor
from sagacheck import DEADLOCK, Kind, Limits, Specification, Verdict, check
from sagacheck._engine import ClaimTable, _Effect
from sagacheck._explore import Search
from sagacheck._expr import Expr, render
from sagacheck._liveness import find_lasso
from sagaspec import domain

NONE_STUCK = {"undo-fail": "none"}
SAGAS: tuple[tuple[str, dict[str, str]], ...] = (  # the cheap ones first
    ("chain:1", {}),
    ("chain:2", {}),
    ("chain:2", NONE_STUCK),
    ("a,b", {}),
    ("fork-join:2", {}),
    ("diamond", {}),
    ("a>b,b>c,a>c", {}),
)
LIMITS = Limits(states=5_000)  # the unbroken design has fewer than 1,000 on each of the SAGAS

Graph = tuple[list[int], list[int], list[str], list[int]]

STANDS_STILL = "adds steps that change nothing, and no step that is not there already"
ANY_TIME = (
    "every critical section leaves memory consistent, so that a report can be taken at any of them; what the loop then "
    "leaves out is the write of the cached state, which recovery does not read"
)

SURVIVORS = {
    "take_effect without not effect[n]": STANDS_STILL,
    "remove_effect without effect[n]": STANDS_STILL,
    "fail_undo without may_fail_undo(n)": "it is the environment that is wider: an undo fails that was said not to",
    "take_success without (pc = RECEIVE)": ANY_TIME,
    "take_failure without (pc = RECEIVE)": ANY_TIME,
    "take_undo_success without (pc = RECEIVE)": ANY_TIME,
    "take_undo_failure without (pc = RECEIVE)": ANY_TIME,
    "ask_status without alive()": STANDS_STILL,
    "crash without (not ((pc = DOWN) or (pc = REFUSED) or (pc = WALK) or (pc = WALK_FIRST)) or panic != NONE)": (
        STANDS_STILL + ": a process that is dead dies again"
    ),
}


def mutants(specification: Specification) -> Iterator[tuple[str, Specification]]:
    """Every way to break the specification in one place, by name."""
    for i, action in enumerate(specification.actions):
        broken = []
        for conjunct in action.guard:
            guard = tuple(c for c in action.guard if c is not conjunct)
            broken.append((f"{action.name} without {render(conjunct)}", dataclasses.replace(action, guard=guard)))
        for variable in action.updates:
            updates = _without(action.updates, variable)
            broken.append((f"{action.name} skips {variable}", dataclasses.replace(action, updates=updates)))
        for name, mutant in broken:
            actions = (*specification.actions[:i], mutant, *specification.actions[i + 1 :])
            yield name, dataclasses.replace(specification, actions=actions)
    for variable in specification.initial:
        initial = _without(specification.initial, variable)
        yield f"initial skips {variable}", dataclasses.replace(specification, initial=initial)


def _without(updates: Mapping[str, Expr], variable: str) -> dict[str, Expr]:
    return {v: e for v, e in updates.items() if v != variable}


class Bench:
    """One saga, with what all mutants share on it: unrolled expressions, tables of properties, the unbroken graph."""

    def __init__(self, dag: str, environment: Mapping[str, str]) -> None:
        self.name = " ".join([dag, *(f"{option}={value}" for option, value in environment.items())])
        self.specification = conforming()
        result = check(self.specification, domain.load(dag, environment), limits=LIMITS)
        assert result.verdict is Verdict.HOLDS
        self.base = result.ground
        asked = [o.property for o in result.outcomes if o.verdict is Verdict.HOLDS and o.property is not DEADLOCK]
        self.lasting = [p for p in asked if p.kind is Kind.EVENTUALLY]
        claims = {k: [c for p in asked if p.kind is k for c in self.base.claims(p)] for k in Kind}
        self._broken = ClaimTable(self.base, claims[Kind.ALWAYS], negated=True)
        self._shown = ClaimTable(self.base, claims[Kind.SOMETIMES], negated=False)
        self._wanted = {p.name for p in asked if p.kind is Kind.SOMETIMES}
        self._effects: dict[tuple[tuple[int, ...], int], _Effect | None] = {}
        search = self.searched(self.specification)
        for step, effect in zip(search.ground.steps, search.successors._effects, strict=True):
            self._effects[step.elements, id(step.action.updates)] = effect
        self.graph = graph(search)

    def searched(self, specification: Specification) -> Search:
        """All states and steps of a specification that has the variables and properties of the unbroken one."""
        ground = copy.copy(self.base)  # the same table of unrolled expressions, other steps and initial state
        ground.specification = specification
        start = sum(slot.variable.initial << slot.offset for slot in ground.slots.values())
        ground.initial = ground.apply(start, ground.unroll(specification.initial, {}))
        ground.steps = tuple(ground._steps())
        search = Search(ground, [], LIMITS, DEADLOCK, to_the_end=True)
        for step in ground.steps:  # steps that write the same share what has been computed of it
            search.successors._effects[step.index] = self._effects.get((step.elements, id(step.action.updates)))
        search.run()
        return search

    def noticed_by(self, search: Search) -> str:
        """The first property found to be violated, or ""; nothing but *always* is decided by an incomplete search."""
        for state in search.states:
            for claim in self._broken(state):
                return claim.property.name
        if DEADLOCK.name in search.found:
            return DEADLOCK.name
        if not search.complete:
            return ""
        reached = {claim.property.name for state in search.states for claim in self._shown(state)}
        if missing := sorted(self._wanted - reached):
            return missing[0]
        return next((p.name for p in self.lasting if find_lasso(search, p) is not None), "")


@functools.cache
def conforming() -> Specification:
    """The design that is broken."""
    return executor("conforming")


@functools.cache
def benches() -> tuple[Bench, ...]:
    """A bench for each saga, made once."""
    return tuple(Bench(dag, environment) for dag, environment in SAGAS)


def graph(search: Search) -> Graph | None:
    """The reachable states in the order found, of each the names and targets of its steps; None if not all known."""
    if not search.complete:
        return None
    names = [step.name for step in search.ground.steps]
    taken = [names[step] for step in search.edge_step]
    return search.states, list(search.edge_start), taken, list(search.edge_target)


def judged(mutant: Specification) -> str:
    """What becomes of a mutant: "noticed by ...", "unchanged" or "survives on ...", the sagas that it differs on."""
    differs = []
    for bench in benches():
        search = bench.searched(mutant)
        if graph(search) != bench.graph:
            if name := bench.noticed_by(search):
                return f"noticed by {name} on {bench.name}"
            differs.append(bench.name)
    return f"survives on {', '.join(differs)}" if differs else "unchanged"


@functools.cache
def verdicts() -> dict[str, str]:
    """What becomes of every mutant."""
    return {name: judged(mutant) for name, mutant in mutants(conforming())}


def test_every_break_is_noticed_or_changes_nothing_or_is_explained() -> None:
    """No mutant survives that is not listed, and none is listed that is noticed by now."""
    survived = {name: fate for name, fate in verdicts().items() if fate.startswith("survives")}
    assert {name: fate for name, fate in survived.items() if name not in SURVIVORS} == {}
    assert {name: verdicts().get(name, "is no mutant") for name in SURVIVORS if name not in survived} == {}


def test_every_part_of_the_specification_is_broken_once() -> None:
    """There is a mutant for each conjunct and each update, all by different names."""
    specification = conforming()
    places = sum(len(a.guard) + len(a.updates) for a in specification.actions) + len(specification.initial)
    assert len(list(mutants(specification))) == len(verdicts()) == places
    assert places > 150


def test_most_breaks_are_noticed_and_by_many_properties() -> None:
    """More than half of the mutants are noticed; no single property does it all."""
    noticed = [fate.split()[2] for fate in verdicts().values() if fate.startswith("noticed")]
    assert len(noticed) > len(verdicts()) / 2
    assert len(set(noticed)) >= 12


def test_what_leaves_the_graph_unchanged_is_a_precaution_or_says_again_what_is_known() -> None:
    """Such are: a process that is alive where its loop or worker is somewhere; assertions that never fail; writers."""
    unchanged = [name for name, fate in verdicts().items() if fate == "unchanged"]
    precautions = ("without alive()", "without lock_free()", "skips panic", "skips log_writer", "skips memory_writer")
    assert [name for name in unchanged if not name.endswith(precautions) and not name.startswith("initial ")] == []


def test_survivors_that_stand_still_reach_no_other_state() -> None:
    """Their explanation is true: the states are the same, and each step that is new leads back to where it begins."""
    named = dict(mutants(conforming()))
    for name in (n for n, why in SURVIVORS.items() if why.startswith(STANDS_STILL)):
        for bench in benches():
            search, before = bench.searched(named[name]), bench.searched(conforming())
            assert set(search.states) == set(before.states)
            assert {a for a, _, b in steps(search) - steps(before) if a != b} == set()


def steps(search: Search) -> set[tuple[int, str, int]]:
    """Every step of a graph, as (state, name, state)."""
    return {
        (state, search.ground.steps[search.edge_step[e]].name, search.states[search.edge_target[e]])
        for n, state in enumerate(search.states)
        for e in range(search.edge_start[n], search.edge_start[n + 1])
    }


def test_the_unbroken_specification_is_not_noticed() -> None:
    """The judge finds nothing where nothing is broken."""
    assert judged(conforming()) == "unchanged"
    assert [bench.noticed_by(bench.searched(conforming())) for bench in benches()] == [""] * len(SAGAS)
