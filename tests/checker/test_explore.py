"""The explorer: complete, breadth first, the same shortest counterexample every time, and honest about its limits."""

from __future__ import annotations

import enum
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import mutex
from sagacheck import (
    DEADLOCK,
    Coverage,
    GroundSpecification,
    InputError,
    Limits,
    Result,
    Specification,
    Structure,
    Trace,
    Verdict,
    check,
    select_properties,
)
from sagacheck._engine import Successors
from sagacheck._explore import Search
from sagacheck.language import (
    Element,
    PerElement,
    StateBase,
    action,
    always,
    build,
    elements,
    eventually,
    per_element,
    require,
    scalar,
    sometimes,
)


class Hand(enum.Enum):
    """How many of its two locks a process has."""

    NONE = 0
    ONE = 1
    BOTH = 2
    DONE = 3


class Locks(StateBase):
    """Two processes that take two locks."""

    ordered: bool
    hand: PerElement[Hand] = per_element(Hand, Hand.NONE, group="processes", doc="what each process has")
    left: bool = scalar(bool, False, group="locks", doc="the left lock is taken")
    right: bool = scalar(bool, False, group="locks", doc="the right lock is taken")


@action("process")
def take_first(s: Locks, n: Element) -> None:
    """{n} takes its first lock: the left one, or, unordered, somebody else's second one."""
    require(s.hand[n] == Hand.NONE)
    require(not s.left or (not s.ordered and not s.right))
    if not s.left:
        s.left = True
    else:
        s.right = True
    s.hand[n] = Hand.ONE


@action("process")
def also_first(s: Locks, n: Element) -> None:
    """{n} takes the left lock."""
    require(s.hand[n] == Hand.NONE and not s.left)
    s.left = True
    s.hand[n] = Hand.ONE


@action("process")
def take_second(s: Locks, n: Element) -> None:
    """{n} takes the other lock."""
    require(s.hand[n] == Hand.ONE and not s.right)
    s.right = True
    s.hand[n] = Hand.BOTH


@action("process")
def finish(s: Locks, n: Element) -> None:
    """{n} is done and frees both."""
    require(s.hand[n] == Hand.BOTH)
    s.left = False
    s.right = False
    s.hand[n] = Hand.DONE


@action("process", fair=False)
def give_back(s: Locks, n: Element) -> None:
    """{n} gives its only lock back: the left one, as if it were that."""
    require(s.hand[n] == Hand.ONE and s.left)
    s.left = False
    s.hand[n] = Hand.NONE


@action("process", fair=False)
def never(s: Locks, n: Element) -> None:
    """{n} frees what nobody has."""
    require(s.right and not s.left and s.hand[n] == Hand.BOTH)
    s.right = False


@sometimes(because="to see it", source="made up")
def AllDone(s: Locks) -> bool:  # noqa: N802
    """Everybody is done."""
    return all(s.hand[n] == Hand.DONE for n in elements())


@always(because="to see it", source="made up", wrong="{n} is done")
def NobodyDone(s: Locks, n: Element) -> bool:  # noqa: N802
    """Nobody is done."""
    return s.hand[n] != Hand.DONE


@always(because="to see it", source="made up", wrong="a lock is taken")
def NothingTaken(s: Locks) -> bool:  # noqa: N802
    """No lock is taken."""
    return not s.left


@eventually(because="to see it", source="made up", wrong="somebody is never done")
def Served(s: Locks) -> bool:  # noqa: N802
    """Everybody gets done."""
    return all(s.hand[n] == Hand.DONE for n in elements())


def all_done(s: Locks) -> bool:
    """Everybody is done: a legal end."""
    return all(s.hand[n] == Hand.DONE for n in elements())


def locks(ordered: bool, legal_end: bool = True) -> Specification:
    """The two locks, taken in one order or in any."""
    return build(
        name="locks", doc="Two locks.", state=Locks, actions=[take_first, take_second, finish, never],
        properties=[AllDone, NobodyDone, NothingTaken, Served], rest=all_done if legal_end else None,
        parameters={"ordered": ordered},
    )  # fmt: skip


PAIR = Structure("pair", ("a", "b"))
BROKEN = mutex.specification(atomic=False)
SOUND = mutex.specification(atomic=True)


def processes(n: int) -> Structure:
    """So many processes."""
    return mutex.domain.load(str(n), {})


def names(trace: Trace | None) -> list[str]:
    """The steps of a trace."""
    assert trace is not None
    return [s.name for s in trace.steps]


def replayed(trace: Trace) -> None:
    """Every step of the trace is possible where it is taken and leads where the trace says."""
    after = Successors(trace.ground)
    assert trace.states[0] == trace.ground.initial
    assert len(trace.states) == len(trace.steps) + 1
    for before, step, state in zip(trace.states, trace.steps, trace.states[1:], strict=False):
        assert step.index in after.enabled(before)
        assert after.after(step.index, before) == state


def naive(ground: GroundSpecification) -> dict[int, int]:
    """Every reachable state with its distance, by a search that uses no table and no compiled code."""
    depth = {ground.initial: 0}
    level = [ground.initial]
    while level:
        found = []
        for state in level:
            for step in ground.steps:
                if ground.evaluate(step.guard, state):
                    after = ground.apply(state, step.updates)
                    if after not in depth:
                        depth[after] = depth[state] + 1
                        found.append(after)
        level = found
    return depth


@pytest.mark.parametrize(
    ("specification", "size", "states", "steps", "depth"),
    [(SOUND, 2, 3, 4, 1), (SOUND, 3, 4, 6, 1), (BROKEN, 2, 13, 24, 6), (BROKEN, 3, 45, 120, 8)],
)
def test_counts_are_exact(specification: Specification, size: int, states: int, steps: int, depth: int) -> None:
    """Distinct states, steps and depth of the two locks, counted by hand for the sound one and naively for both."""
    result = check(specification, processes(size))
    found = result.exploration
    assert (found.states, found.steps, found.depth, found.complete, found.stopped) == (states, steps, depth, True, "")
    independent = naive(result.ground)
    assert (len(independent), max(independent.values())) == (states, depth)


@pytest.mark.parametrize("size", [2, 3])
def test_the_counterexample_is_the_shortest_and_replays(size: int) -> None:
    """Both look, both take: four steps, and no state that is nearer breaks the property."""
    outcome = check(BROKEN, processes(size)).of("MutualExclusion")
    assert outcome.verdict is Verdict.VIOLATED
    assert outcome.element == 0
    assert outcome.trace is not None
    assert names(outcome.trace) == ["look(a)", "look(b)", "take(a)", "take(b)"]
    replayed(outcome.trace)
    ground = outcome.trace.ground
    bad = [c.ground for c in ground.claims(outcome.property)]
    near = [d for s, d in naive(ground).items() if not all(ground.evaluate(b, s) for b in bad)]
    assert min(near) == len(outcome.trace.steps)


def test_states_are_visited_in_breadth_first_order() -> None:
    """The distance of the states never falls in the order in which they are found."""
    ground = GroundSpecification(BROKEN, processes(3))
    search = Search(ground, [])
    search.to_the_end = True
    search.run()
    distance = naive(ground)
    found = [distance[s] for s in search.states]
    assert found == sorted(found)
    assert [found[i] for i in search.levels] == list(range(max(found) + 1))
    assert set(search.states) == set(distance)


def test_every_step_is_kept_for_who_needs_them_all() -> None:
    """The edges of each state are the steps that are possible there, with their targets."""
    ground = GroundSpecification(BROKEN, processes(2))
    search = Search(ground, [], to_the_end=True)
    search.run()
    for n, state in enumerate(search.states):
        mine = range(search.edge_start[n], search.edge_start[n + 1])
        expected = [(s.index, ground.apply(state, s.updates)) for s in ground.steps if ground.evaluate(s.guard, state)]
        assert [(search.edge_step[e], search.states[search.edge_target[e]]) for e in mine] == expected


def test_among_the_shortest_the_first_by_element_is_shown() -> None:
    """Whatever they are called, the elements act in the order of the structure."""
    turned = Structure("turned", ("c", "b", "a"))
    assert names(check(BROKEN, turned).of("MutualExclusion").trace) == ["look(c)", "look(b)", "take(c)", "take(b)"]


def test_of_two_actions_that_do_the_same_the_first_listed_is_shown() -> None:
    """Two actions lead to the same state: the one that the specification lists first is in the trace."""
    forth = build(name="t", doc="t", state=Locks, actions=[take_first, also_first], properties=[NothingTaken],
                  parameters={"ordered": True})  # fmt: skip
    back = build(name="t", doc="t", state=Locks, actions=[also_first, take_first], properties=[NothingTaken],
                 parameters={"ordered": True})  # fmt: skip
    assert names(check(forth, PAIR).of("NothingTaken").trace) == ["take_first(a)"]
    assert names(check(back, PAIR).of("NothingTaken").trace) == ["also_first(a)"]


def test_the_counterexample_is_the_same_under_any_hash_seed() -> None:
    """Three processes with different hash seeds print the same traces, numbers of states and coverage."""
    code = (
        "import mutex; from sagacheck import check\n"
        "r = check(mutex.specification(False), mutex.domain.load('3', {}))\n"
        "print([[s.name for s in o.trace.steps] if o.trace else None for o in r.outcomes])\n"
        "print(r.exploration.states, r.exploration.steps, r.exploration.coverage, [hex(s) for s in r.of"
        "('MutualExclusion').trace.states])\n"
    )
    path = os.pathsep.join([*(p for p in sys.path if p), str(Path(mutex.__file__).parent)])
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True, text=True, check=True, env={"PYTHONPATH": path, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("0", "1", "4711")
    }  # fmt: skip
    assert len(printed) == 1
    assert "take(b)" in printed.pop()


# Limits -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (Limits(states=5), "--max-states 5 reached"),
        (Limits(seconds=0), "--max-seconds 0 reached"),
        (Limits(memory=2**20), "--max-memory 1M reached"),
    ],
)
def test_a_limit_ends_in_undetermined_and_says_how_far_it_got(limits: Limits, words: str) -> None:
    """No verdict is rounded up; the limit is named, and the counts are those of what was seen."""
    result = check(SOUND, processes(20), limits=limits)
    assert (result.verdict, result.exit_code) == (Verdict.UNDETERMINED, 3)
    for name in ("MutualExclusion", "FirstEnters", "NoDeadlock"):
        outcome = result.of(name)
        assert (outcome.verdict, outcome.reason) == (Verdict.UNDETERMINED, words)
    assert result.exploration.stopped == words
    assert not result.exploration.complete
    assert 1 <= result.exploration.states <= 21
    assert result.exploration.peak_memory > 2**20


def test_a_limit_that_is_not_reached_changes_nothing() -> None:
    """Exactly as many states as there are is no limit."""
    result = check(SOUND, processes(3), limits=Limits(states=4, seconds=1000, memory=2**50))
    assert (result.verdict, result.exploration.states, result.exploration.stopped) == (Verdict.HOLDS, 4, "")


def test_a_violation_that_was_found_outranks_undetermined() -> None:
    """The violation stands although the search was ended before the rest was decided."""
    result = check(BROKEN, processes(12), limits=Limits(states=2000))
    assert result.of("MutualExclusion").verdict is Verdict.VIOLATED
    assert result.of("NoDeadlock").verdict is Verdict.UNDETERMINED
    assert (result.verdict, result.exit_code) == (Verdict.VIOLATED, 1)


def test_an_interrupt_gives_what_is_known_so_far() -> None:
    """Ctrl-C is a result that says so, with what had been found."""

    def progress(states: int, frontier: int, depth: int) -> None:
        seen.append((states, frontier, depth))
        if len(seen) == 2:
            raise KeyboardInterrupt

    seen: list[tuple[int, int, int]] = []
    result = check(BROKEN, processes(12), progress=progress)
    assert result.exploration.stopped == "interrupted"
    assert seen[0] == (1, 1, 0)
    assert seen[1][0] == result.exploration.states
    assert result.of("MutualExclusion").verdict is Verdict.VIOLATED
    assert result.of("NoDeadlock").reason == "interrupted"
    assert result.verdict is Verdict.VIOLATED


def test_the_first_violation_ends_the_search_when_asked_for() -> None:
    """What was not decided by then is undetermined and says why."""
    result = check(BROKEN, processes(3), first=True)
    assert result.of("MutualExclusion").verdict is Verdict.VIOLATED
    assert result.of("NoDeadlock").verdict is Verdict.UNDETERMINED
    assert result.of("FirstEnters").reason == "the search ended at the first violation"
    assert result.exploration.states < 45
    assert result.exploration.stopped == ""


def test_without_a_violation_asking_for_the_first_changes_nothing() -> None:
    """A sound lock is searched to its end."""
    assert check(SOUND, processes(3), first=True).verdict is Verdict.HOLDS


def test_what_is_decided_is_not_searched_on() -> None:
    """The search ends with the state that decides the last property asked for."""
    result = check(BROKEN, processes(3), properties=["MutualExclusion"])
    assert result.of("MutualExclusion").verdict is Verdict.VIOLATED
    assert result.exploration.states < 45
    assert not result.exploration.complete
    assert result.exploration.stopped == ""
    (entered,) = check(BROKEN, processes(3), properties=["Entered"]).outcomes
    assert entered.verdict is Verdict.HOLDS
    assert names(entered.trace) == ["look(a)", "take(a)"]


# Deadlock, coverage, excluded properties ------------------------------------------------------------------------------


def test_a_deadlock_is_found_with_its_shortest_trace() -> None:
    """Unordered, both processes have one lock and want the other."""
    outcome = check(locks(ordered=False), PAIR).of("NoDeadlock")
    assert outcome.verdict is Verdict.VIOLATED
    assert names(outcome.trace) == ["take_first(a)", "take_first(b)"]
    assert outcome.trace is not None
    replayed(outcome.trace)


def test_where_only_an_unfair_step_is_possible_nothing_has_to_happen() -> None:
    """A process that may give its lock back, but need not, is no way out of the deadlock."""
    specification = build(
        name="t",
        doc="t",
        state=Locks,
        actions=[take_first, take_second, finish, give_back],
        properties=[],
        rest=all_done,
        parameters={"ordered": False},
    )
    outcome = check(specification, PAIR).of("NoDeadlock")
    assert names(outcome.trace) == ["take_first(a)", "take_first(b)"]
    unfair = replace(specification, actions=tuple(replace(a, fair=False) for a in specification.actions))
    assert check(unfair, PAIR).of("NoDeadlock").verdict is Verdict.HOLDS


def test_a_legal_end_is_no_deadlock_and_any_other_end_is() -> None:
    """In order, everybody gets done; whether that may be the end is for the specification to say."""
    assert check(locks(ordered=True), PAIR, properties=["NoDeadlock"]).verdict is Verdict.HOLDS
    outcome = check(locks(ordered=True, legal_end=False), PAIR).of("NoDeadlock")
    assert outcome.verdict is Verdict.VIOLATED
    assert len(names(outcome.trace)) == 6


def test_coverage_counts_how_often_an_action_was_possible_and_how_often_it_was_new() -> None:
    """In a sound lock each of three processes can enter from the free lock, and only leave to it."""
    found = check(SOUND, processes(3)).exploration.coverage
    assert found == {"look": Coverage(3, 3), "leave": Coverage(3, 0)}


def test_coverage_adds_up() -> None:
    """Every state but the first is new once, and every step was possible once."""
    found = check(BROKEN, processes(3)).exploration
    assert sum(c.new for c in found.coverage.values()) == found.states - 1
    assert sum(c.enabled for c in found.coverage.values()) == found.steps


def test_an_action_that_never_fires_has_no_coverage() -> None:
    """It is listed, with zero."""
    assert check(locks(ordered=True), PAIR).exploration.coverage["never"] == Coverage(0, 0)


def test_a_sometimes_property_that_nothing_reaches_is_violated_without_a_trace() -> None:
    """A model in which nothing happens is noticed; what is reached has a shortest witness."""
    lost = check(mutex_without_entry(), processes(2)).of("Entered")
    assert (lost.verdict, lost.trace) == (Verdict.VIOLATED, None)
    assert "no reachable state" in lost.reason
    kept = check(locks(ordered=True), PAIR).of("AllDone")
    assert kept.verdict is Verdict.HOLDS
    assert len(names(kept.trace)) == 6


def mutex_without_entry() -> Specification:
    """The lock in two steps, without the second one."""
    return replace(BROKEN, actions=tuple(a for a in BROKEN.actions if a.name == "look"))


def test_an_excluded_property_is_not_checked_and_says_why() -> None:
    """By the design, or by a structure in which what it needs is true nowhere."""
    entered = next(p for p in SOUND.properties if p.name == "Entered")
    rest = tuple(p for p in SOUND.properties if p is not entered)
    excluded = replace(SOUND, properties=(*rest, replace(entered, excluded="taking=one-step")))
    outcome = check(excluded, processes(2)).of("Entered")
    assert (outcome.verdict, outcome.reason) == (Verdict.NOT_CHECKED, "excluded by taking=one-step")
    needy = replace(SOUND, properties=(*rest, replace(entered, needs=("special",))))
    plain = replace(processes(2), predicates={"special": (False, False)})
    assert check(needy, plain).of("Entered").verdict is Verdict.NOT_CHECKED
    special = replace(processes(2), predicates={"special": (False, True)})
    assert check(needy, special).of("Entered").verdict is Verdict.HOLDS


def test_a_property_that_needs_an_unknown_predicate_is_bad_input() -> None:
    """A misspelt predicate does not quietly switch the property off."""
    entered = next(p for p in SOUND.properties if p.name == "Entered")
    with pytest.raises(InputError, match="no predicate `specail`, which Entered needs"):
        check(replace(SOUND, properties=(replace(entered, needs=("specail",)),)), processes(2))


def test_only_what_was_excluded_is_no_verdict() -> None:
    """Where nothing was checked, nothing holds."""
    entered = next(p for p in SOUND.properties if p.name == "Entered")
    excluded = replace(SOUND, properties=(replace(entered, excluded="something"),))
    result: Result = check(excluded, processes(2), properties=["Entered"])
    assert (result.verdict, result.exit_code) == (Verdict.NOT_CHECKED, 3)


def test_properties_are_selected_by_name_in_the_order_of_the_specification() -> None:
    """All for none; the built-in one is last; an unknown one is named with what there is."""
    assert [p.name for p in select_properties(SOUND, ["FirstEnters", "MutualExclusion"])] == [
        "MutualExclusion", "FirstEnters",
    ]  # fmt: skip
    assert select_properties(SOUND, [])[-1] is DEADLOCK
    with pytest.raises(InputError, match="there is no property 'Mutual'; there are MutualExclusion, Entered"):
        select_properties(SOUND, ["Mutual"])
    with pytest.raises(KeyError):
        check(SOUND, processes(2), properties=["Entered"]).of("MutualExclusion")
