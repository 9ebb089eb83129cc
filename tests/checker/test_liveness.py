"""*Eventually* properties: a lasso is a cycle of possible steps, and fair; fairness may rule every one of them out."""

from __future__ import annotations

import enum
from typing import Any

import pytest

import mutex
from sagacheck import Outcome, Specification, Structure, Trace, Verdict, check
from sagacheck._engine import Successors
from sagacheck.language import (
    Element,
    PerElement,
    StateBase,
    action,
    build,
    element,
    elements,
    eventually,
    per_element,
    require,
    scalar,
)

LAST = element("last")


class Light(enum.Enum):
    """What a lamp shows."""

    OFF = 0
    DIM = 1
    ON = 2


class Lamp(StateBase):
    """A lamp, a switch that chatters, and a fuse."""

    light: Light = scalar(Light, Light.OFF, group="lamp", doc="what it shows")
    tick: bool = scalar(bool, False, group="clock", doc="the clock")
    fuse: bool = scalar(bool, True, group="lamp", doc="the fuse is whole")


@action("clock")
def tick(s: Lamp) -> None:
    """The clock ticks."""
    s.tick = not s.tick


@action("switch")
def brighten(s: Lamp) -> None:
    """The lamp goes from off to dim, from dim to on."""
    require(s.light != Light.ON)
    s.light = Light.DIM if s.light == Light.OFF else Light.ON


@action("switch", fair=False)
def brighten_unfairly(s: Lamp) -> None:
    """The lamp goes on, if anybody likes."""
    require(s.light != Light.ON)
    s.light = Light.ON


@action("switch")
def brighten_at_the_tick(s: Lamp) -> None:
    """The lamp goes on, but only while the clock shows tick."""
    require(s.light != Light.ON and s.tick)
    s.light = Light.ON


@action("fuse", finitely=True)
def blow(s: Lamp) -> None:
    """The fuse is exchanged, and the lamp is off."""
    s.light = Light.OFF
    s.fuse = not s.fuse


@action("switch")
def dim(s: Lamp) -> None:
    """The lamp is dimmed."""
    require(s.light == Light.ON)
    s.light = Light.DIM


@action("switch")
def turn_off(s: Lamp) -> None:
    """The lamp that is on goes off."""
    require(s.light == Light.ON)
    s.light = Light.OFF


@action("clock")
def keep(s: Lamp) -> None:
    """Nothing changes."""
    require(s.light == Light.OFF)
    s.light = Light.OFF


def fuse_blown(s: Lamp) -> bool:
    """The fuse is not whole."""
    return not s.fuse


def lit(s: Lamp) -> bool:
    """It is on."""
    return s.light == Light.ON


@eventually(because="it is a lamp", source="made up", wrong="it stays dark")
def On(s: Lamp) -> bool:  # noqa: N802
    """It is on at some time."""
    return s.light == Light.ON


@eventually(because="it is a lamp", source="made up", wrong="it stays dark", after=fuse_blown)
def OnAfterFuse(s: Lamp) -> bool:  # noqa: N802
    """After the fuse has blown it is on at some time."""
    return s.light == Light.ON


@eventually(because="it is a lamp", source="made up", wrong="it is never off again", after=lit)
def OffAgain(s: Lamp) -> bool:  # noqa: N802
    """After it was on it is off at some time."""
    return s.light == Light.OFF


def lamp(*actions: Any) -> Specification:
    """The lamp with these actions."""
    return build(name="lamp", doc="A lamp.", state=Lamp, actions=actions, properties=[On, OnAfterFuse, OffAgain])


NOBODY = Structure("a lamp", ())


def asked(specification: Specification, name: str, structure: Structure = NOBODY) -> Outcome:
    """The outcome for one property."""
    return check(specification, structure, properties=[name]).of(name)


def lasso(outcome: Outcome) -> Trace:
    """The counterexample, held against the specification: a real path, a real cycle, without the goal, and fair."""
    assert outcome.verdict is Verdict.VIOLATED
    trace = outcome.trace
    assert trace is not None
    assert trace.loop is not None
    ground, states = trace.ground, trace.states
    successors = Successors(ground)
    assert states[0] == ground.initial
    for before, step, after in zip(states, trace.steps, states[1:], strict=False):
        assert ground.evaluate(step.guard, before)
        assert ground.apply(before, step.updates) == after
    assert states[trace.loop] == states[-1]
    cycle, taken = states[trace.loop :], trace.steps[trace.loop :]
    assert not [s.name for s in taken if s.action.finitely]
    goal = ground.value(outcome.property.body, {})
    assert not any(ground.evaluate(goal, s) for s in cycle)
    started = outcome.property.after
    if started is not None:
        begins = ground.value(started, {})
        first = next(i for i, s in enumerate(states) if ground.evaluate(begins, s) and not ground.evaluate(goal, s))
        assert not any(ground.evaluate(goal, s) for s in states[first:])
    for step in ground.steps:
        if step.action.fair and step not in taken:
            assert any(step.index not in successors.enabled(s) for s in cycle), step.name
    return trace


def around(trace: Trace) -> list[str]:
    """The names of the steps in the loop."""
    return [s.name for s in trace.steps[trace.loop :]]


def test_what_fairness_brings_about_holds() -> None:
    """The clock may tick as often as it likes: the lamp is brightened all the same."""
    assert asked(lamp(tick, brighten), "On").verdict is Verdict.HOLDS


def test_an_unfair_action_may_never_be_taken() -> None:
    """Nobody has to switch the lamp on; the clock ticks for ever."""
    trace = lasso(asked(lamp(tick, brighten_unfairly), "On"))
    assert set(around(trace)) == {"tick"}
    assert len(around(trace)) == 2


def test_weak_fairness_is_not_strong_fairness() -> None:
    """A step that is possible again and again, but not all the time, may starve."""
    trace = lasso(asked(lamp(tick, brighten_at_the_tick), "On"))
    assert around(trace) == ["tick", "tick"]


def test_standing_still_is_a_lasso_where_nothing_fair_is_possible() -> None:
    """With only an unfair action, the behaviour in which nothing happens never gets there."""
    trace = lasso(asked(lamp(brighten_unfairly), "On"))
    assert (trace.steps, trace.loop, len(trace.states)) == ((), 0, 1)


def test_standing_still_is_no_lasso_where_something_fair_is_possible() -> None:
    """The lamp cannot stay dim for ever."""
    assert asked(lamp(brighten), "On").verdict is Verdict.HOLDS


def test_what_happens_finitely_often_is_in_no_loop() -> None:
    """The fuse blows again and again only in a behaviour that is ruled out."""
    assert asked(lamp(brighten, blow), "On").verdict is Verdict.HOLDS
    assert asked(lamp(brighten_at_the_tick, blow), "On").verdict is Verdict.VIOLATED


def test_what_happens_finitely_often_may_lead_to_the_loop() -> None:
    """After the fuse has blown, nobody has to switch the lamp on; the path to the loop takes that step once."""
    outcome = asked(lamp(brighten_unfairly, tick, blow), "OnAfterFuse")
    trace = lasso(outcome)
    assert [s.name for s in trace.steps[: trace.loop]] == ["blow"]
    assert set(around(trace)) == {"tick"}


def test_after_restricts_where_the_promise_starts() -> None:
    """Without a fuse that can blow, what is promised after it has blown is kept although the lamp stays dark."""
    specification = lamp(tick, brighten_unfairly)
    assert asked(specification, "On").verdict is Verdict.VIOLATED
    assert asked(specification, "OnAfterFuse").verdict is Verdict.HOLDS


def test_the_goal_once_reached_before_the_promise_starts_does_not_keep_it() -> None:
    """The lamp was off at first; after it was on it goes round between dim and on."""
    trace = lasso(asked(lamp(brighten, dim), "OffAgain"))
    assert sorted(around(trace)) == ["brighten", "dim"]


def test_a_choice_between_two_fair_steps_may_always_fall_on_one() -> None:
    """Off and dim are both fair: in the loop without `turn_off`, that step is impossible somewhere."""
    trace = lasso(asked(lamp(brighten, dim, turn_off), "OffAgain"))
    assert "turn_off" not in around(trace)


def test_a_fair_step_that_leaves_everything_as_it_is_counts_as_taken() -> None:
    """A loop of one state: the step is taken for ever."""
    trace = lasso(asked(lamp(keep), "On"))
    assert set(around(trace)) <= {"keep"}


class Turn(StateBase):
    """Philosophers who eat or do not."""

    eats: PerElement[bool] = per_element(bool, False, group="philosophers", doc="who eats")


@action("philosopher")
def eat(s: Turn, n: Element) -> None:
    """{n} eats."""
    require(all(not s.eats[m] for m in elements()))
    s.eats[n] = True


@action("philosopher")
def think(s: Turn, n: Element) -> None:
    """{n} thinks."""
    require(s.eats[n])
    s.eats[n] = False


@eventually(because="nobody starves", source="E. W. Dijkstra, 1971", wrong="somebody starves")
def Everybody(s: Turn) -> bool:  # noqa: N802
    """The last one eats."""
    return any(s.eats[m] and m == LAST for m in elements())


@pytest.mark.parametrize("size", [2, 3, 4])
def test_fairness_is_asked_of_each_element_and_does_not_keep_one_from_starving(size: int) -> None:
    """The last one may always come when somebody else eats; the loop is fair to every single step."""
    specification = build(name="eat", doc="d", state=Turn, actions=[eat, think], properties=[Everybody])
    table = Structure("table", tuple("abcd"[:size]), elements={"last": size - 1})
    trace = lasso(asked(specification, "Everybody", table))
    assert all("abcd"[size - 1] not in name for name in around(trace))


@pytest.mark.parametrize("atomic", [True, False])
def test_somebody_enters_the_lock(atomic: bool) -> None:
    """The property of the small specification holds, fairness given."""
    assert asked(mutex.specification(atomic), "FirstEnters", mutex.domain.load("3", {})).verdict is Verdict.HOLDS


def test_an_interrupt_in_the_search_for_a_lasso_leaves_the_property_undetermined(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The states are all known, the verdict is not."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sagacheck._check.find_lasso", interrupted)
    outcome = asked(lamp(tick, brighten), "On")
    assert (outcome.verdict, outcome.reason) == (Verdict.UNDETERMINED, "interrupted")


def test_the_first_violation_may_be_a_lasso() -> None:
    """With `first`, what comes after the first broken promise is not looked for."""
    made = check(lamp(tick, brighten_unfairly, blow), NOBODY, first=True)
    verdicts = {o.property.name: o.verdict for o in made.outcomes}
    assert verdicts["On"] is Verdict.VIOLATED
    assert verdicts["OnAfterFuse"] is Verdict.UNDETERMINED
