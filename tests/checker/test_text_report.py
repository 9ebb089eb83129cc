"""The report for people tells who does what, shows only what changed, and says in words what is wrong."""

from __future__ import annotations

import pytest

import mutex
import oddities
from sagacheck import Domain, Limits, Result, check
from sagacheck._console import render
from sagacheck._model import Model
from sagacheck._narration import filled, narrate, note, what_is_wrong
from sagacheck._text import check_report


def checked(
    domain: Domain, design: str, structure: str, limits: Limits | None = None, **changes: str
) -> tuple[Model, Result]:
    """A model and what a check of it finds."""
    environment = {o.name: o.default for o in domain.environment}
    model = Model(domain, None, domain.design(design, changes), structure, environment)
    return model, check(model.specification(), model.load(), limits=limits)


def report(domain: Domain, design: str, structure: str, *, coverage: bool = False, **changes: str) -> str:
    """The plain report."""
    return render(check_report(*checked(domain, design, structure, None, **changes), coverage=coverage), terminal=False)


def test_a_counterexample_has_a_line_a_step_with_only_what_changed() -> None:
    """Number, actor, what it does, and each group's changes in its column."""
    lines = [" ".join(line.split()) for line in report(mutex.domain, "look-then-take", "3").splitlines()]
    start = lines.index("# who does processes lock")
    assert lines[start + 2 : start + 7] == [
        "1 process a finds the lock free. pc[a]: IDLE → TRYING",
        "2 process b finds the lock free. pc[b]: IDLE → TRYING",
        "3 process a takes the lock that it saw free. pc[a]: TRYING → INSIDE locked: False → True",
        "4 process b takes the lock that it saw free. pc[b]: TRYING → INSIDE",
        "→ a is not alone inside.",
    ]


def test_a_plain_report_is_no_wider_than_120_columns() -> None:
    """In a pipe there are no styles, no trailing blanks and no long lines."""
    for text in (report(mutex.domain, "look-then-take", "9"), report(oddities.domain, "odd", "[x],a very long name,c")):
        assert "\x1b" not in text
        assert all(len(line) <= 120 and line == line.rstrip() for line in text.splitlines())


def test_labels_are_never_markup() -> None:
    """An element that is called like a style is shown."""
    assert "[red] is noted: done." in report(oddities.domain, "odd", "[red],[/red]")


def test_on_a_terminal_what_changed_is_highlighted() -> None:
    """The new value stands out."""
    model, result = checked(mutex.domain, "look-then-take", "2")
    assert "\x1b[" in render(check_report(model, result), terminal=True)


def test_a_passing_report_is_compact() -> None:
    """No counterexample, no coverage, and nothing that is not needed."""
    text = report(mutex.domain, "test-and-set", "3")
    assert len(text.splitlines()) < 16
    assert "violated" not in text


def test_the_last_line_of_a_counterexample_says_what_is_wrong_with_the_values_there() -> None:
    """The element, the text of an enumeration's value, a scalar; unknown braces stay."""
    _, result = checked(oddities.domain, "odd", "a,b")
    o = result.of("NeverNoted")
    assert o.trace is not None
    assert what_is_wrong(o.property, o.trace, o.element) == "a is done, turn None, noted true, 4, {else}"


def test_a_violation_in_the_initial_state_says_so() -> None:
    """A trace without steps has no table."""
    text = report(oddities.domain, "odd", "a,b")
    assert "Nowhere is violated in the initial state" in text


def test_a_behaviour_that_stands_still_says_so() -> None:
    """The lasso without steps in its loop."""
    _, result = checked(oddities.domain, "odd", "a,b")
    assert note(result.of("Restarted")) == "shortest counterexample: 4 steps, then standing still for ever"
    assert "standing still for ever" in report(oddities.domain, "odd", "a,b")


def test_a_loop_is_marked_where_it_starts() -> None:
    """The steps after the mark are taken again and again."""
    lines = [" ".join(x.split()) for x in report(oddities.domain, "odd", "a,b", ending="round").splitlines()]
    mark = lines.index("again and again, for ever:")
    assert lines[mark + 1].startswith("5 clock The lamp is switched.")


def test_a_sometimes_that_is_never_reached_gives_its_reason() -> None:
    """It has no trace to show."""
    text = report(oddities.domain, "odd", "a,b")
    assert "→ no reachable state is like that: the model is vacuous there." in text


def test_an_excluded_property_is_not_checked_with_its_reason() -> None:
    """What the design rules out is not a pass."""
    lines = [" ".join(x.split()) for x in report(oddities.domain, "odd", "a,b").splitlines()]
    assert "LampOn sometimes not checked excluded by ending=still" in lines


def test_actions_that_never_fired_are_named() -> None:
    """In one line, always; how often the others were possible, on demand."""
    plain, covered = (report(oddities.domain, "odd", "a,b", coverage=c) for c in (False, True))
    assert "never possible: switch, reset, strike" in plain
    assert "led to a new state" not in plain
    assert "led to a new state" in covered


def test_the_exploration_has_stable_fields() -> None:
    """The same keys in the same order, for people and for `grep`."""
    (line,) = [x for x in report(mutex.domain, "test-and-set", "3").splitlines() if x.startswith("states=")]
    keys = [field.partition("=")[0] for field in line.split()]
    assert keys == ["states", "steps", "depth", "seconds", "states_per_second", "peak_memory", "bytes_per_state"]
    assert line.startswith("states=4 steps=6 depth=1 ")


def test_equal_changes_at_several_elements_are_told_together() -> None:
    """A step that changes a variable everywhere has one line for it."""
    _, result = checked(oddities.domain, "odd", "a,b,c", ending="round")
    ground = result.ground
    reset = next(s for s in ground.steps if s.name == "reset")
    full = next(o.trace for o in result.outcomes if o.property.name == "NoDeadlock" or o.property.name == "Restarted")
    assert full is not None
    before = next(s for s in full.states if ground.evaluate(reset.guard, s))
    from sagacheck import Trace

    (line,) = narrate(Trace(ground, (before, ground.apply(before, reset.updates)), (reset,)))
    assert [c.where for c in line.changes] == ["phase[every job]", "noted[every job]", "count"]


def test_limits_and_an_unfinished_search_are_said() -> None:
    """Nothing is rounded up."""
    model, result = checked(mutex.domain, "test-and-set", "3", Limits(states=1))
    text = render(check_report(model, result), terminal=False)
    assert "the search did not end: --max-states 1 reached" in text
    assert "not possible so far: leave" in text


@pytest.mark.parametrize(("text", "expected"), [("{n}!", "a!"), ("{m}", "{m}"), ("{", "{"), ("{n.x}", "{n.x}")])
def test_only_known_names_are_filled_in(text: str, expected: str) -> None:
    """Braces that are no placeholder do no harm."""
    assert filled(text, {"n": "a"}) == expected
