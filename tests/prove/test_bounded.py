"""Claims about the bounded search: the same violations as the explorer's, of the same length, and none within the bound
where the explorer has none; what z3 says is re-executed, and a z3 that is told something wrong is found out.
"""

from __future__ import annotations

import functools
import itertools
import json
import subprocess
import sys
from typing import Any

import pytest
import z3
from bounded_record import DAGS, WAYS, Compared, compare, every_design

import mutex
import oddities
from panics import judge
from sagacheck import InputError, Kind, Limits, Result, Verdict
from sagacheck._bounded import bounded
from sagacheck._ground import Step
from sagacheck._ground_expr import Ground
from sagacheck._itf import read_itf, trace_to_itf
from sagacheck._json_report import report_json
from sagacheck._model import Model
from sagacheck._propositional import Propositional, State
from sagacheck._replay import replay
from sagacheck._symbolic import DisagreementError, Watch
from sagaspec import domain

DESIGNS = {d.name: d for d in every_design()}
LISTED = 20_000
RACY = mutex.domain.design("look-then-take")
DEFAULT = (
    *((name, "chain:2", 11 if "memory-first" in name else 35, LISTED) for name in DESIGNS),  # that one has many states
    *((name, "chain:2", 8, 0) for name in DESIGNS),
    ("conforming recovery=strict", "a,b", 15, LISTED),
    ("conforming intent=after", "a,b", 20, LISTED),
    ("conforming stuck=once", "fork-join:2", 31, LISTED),
)
REST = tuple((name, dag, *WAYS[way]) for way in WAYS for dag in DAGS for name in DESIGNS)


def small(design: str = "look-then-take", bound: int = 6, listed: int = LISTED, **more: Any) -> Result:
    """The bounded search of two processes and a lock."""
    chosen = mutex.domain.design(design)
    return bounded(mutex.domain.specify(chosen.settings, {}), mutex.domain.load("2", {}), bound, listed=listed, **more)


@functools.cache
def held(design: str, dag: str, bound: int, listed: int) -> Compared:
    """A bounded search of a saga against the explorer; once for all tests."""
    return compare(domain, DESIGNS[design], dag, bound, listed)


def agree(compared: Compared) -> None:
    """They agree, and every trace can be replayed to its end."""
    assert compared.differences == ()
    for outcome in compared.result.outcomes:
        if outcome.trace is not None:
            judge(outcome)
            assert len(outcome.trace.steps) <= compared.bound


# Agreement -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("design", "dag", "bound", "listed"), DEFAULT)
def test_the_shortest_violations_are_those_of_the_explorer(design: str, dag: str, bound: int, listed: int) -> None:
    """The same properties are violated or reached within the bound, each after the same number of steps."""
    agree(held(design, dag, bound, listed))


@pytest.mark.crosscheck
@pytest.mark.parametrize(("design", "dag", "bound", "listed"), REST)
def test_they_agree_on_every_saga_of_the_record(design: str, dag: str, bound: int, listed: int) -> None:
    """What docs/crosscheck/bounded.json tells, again."""
    agree(held(design, dag, bound, listed))


def test_the_agreement_is_about_violations() -> None:
    """Among what is compared by default, z3 finds short and long counterexamples, short ones in both ways."""
    found = {case: held(*case).lengths for case in DEFAULT if case[0] in ("steno-0.4.1", "conforming stuck=once")}
    assert found["steno-0.4.1", "chain:2", 35, LISTED]["NoPanic"] == 8
    assert found["steno-0.4.1", "chain:2", 8, 0]["NoPanic"] == 8
    assert found["conforming stuck=once", "fork-join:2", 31, LISTED]["NoPanic"] == 31


@pytest.mark.parametrize("listed", [0, 1, 3, LISTED])
@pytest.mark.parametrize("bound", [0, 3, 4, 9])
@pytest.mark.parametrize("design", ["test-and-set", "look-then-take"])
def test_another_specification_is_searched_as_well(design: str, bound: int, listed: int) -> None:
    """A lock: nothing in the search knows of sagas, wherever it goes over from states to formulas."""
    agree(compare(mutex.domain, mutex.domain.design(design), "3", bound, listed))


@pytest.mark.parametrize("listed", [0, LISTED])
@pytest.mark.parametrize("ending", ["still", "round"])
def test_deadlocks_integers_and_optional_elements_agree(ending: str, listed: int) -> None:
    """A specification that comes to a halt, counts, and has nobody's turn."""
    odd = oddities.domain.design("odd", {"ending": ending})
    compared = compare(oddities.domain, odd, "a,b,c", 8, listed)
    assert compared.differences == ()
    assert ("NoDeadlock" in compared.lengths) is (ending == "still")


def test_going_over_to_formulas_half_way_changes_nothing() -> None:
    """Some depths are listed, the others unrolled from the last of these."""
    agree(held("steno-0.4.1", "chain:2", 14, 20))


# Verdicts ------------------------------------------------------------------------------------------------------------


def test_no_violation_within_the_bound_is_not_that_it_holds() -> None:
    """It is undetermined, says within how many steps, and the exit code is 3."""
    result = small(bound=3, listed=0, properties=("MutualExclusion",))
    (outcome,) = result.outcomes
    assert (outcome.verdict, outcome.reason) == (Verdict.UNDETERMINED, "no violation within 3 steps")
    assert result.exit_code == 3
    assert result.exploration.stopped == "the bound of 3 steps is reached"


def test_where_no_step_leads_anywhere_new_a_property_holds() -> None:
    """All states were listed before the bound was reached."""
    result = small("test-and-set", bound=9)
    assert result.of("MutualExclusion").verdict is Verdict.HOLDS
    assert result.exploration.complete
    assert result.exploration.states == 3


def test_an_eventually_property_is_not_checked() -> None:
    """With the reason; alone it makes the exit code 3."""
    result = small("test-and-set", properties=("FirstEnters",))
    assert result.outcomes[0].verdict is Verdict.NOT_CHECKED
    assert "without end" in result.outcomes[0].reason
    assert result.exit_code == 3


def test_a_limit_ends_the_search_with_what_it_has() -> None:
    """What was found stays; the rest is undetermined, with the limit and the depth."""
    chosen = domain.design("steno-0.4.1")
    result = bounded(
        domain.specify(chosen.settings, {}), domain.load("diamond", {}), 60, limits=Limits(seconds=4.0), listed=0
    )
    assert result.exploration.stopped == "--max-seconds 4 reached"
    assert result.exploration.seconds < 20
    waiting = [o for o in result.outcomes if o.verdict is Verdict.UNDETERMINED]
    assert waiting
    assert all("--max-seconds 4 reached" in o.reason for o in waiting)


@pytest.mark.parametrize("listed", [0, LISTED])
def test_an_interrupt_ends_the_search_with_what_it_has(monkeypatch: pytest.MonkeyPatch, listed: int) -> None:
    """Ctrl-C is no traceback but a result."""
    questions = itertools.count()
    ask = Watch.ask

    def interrupted(self: Watch, solver: Any, *assumptions: Any) -> bool:
        if next(questions) == 4:
            raise KeyboardInterrupt
        return ask(self, solver, *assumptions)

    monkeypatch.setattr(Watch, "ask", interrupted)
    result = small(listed=listed)
    assert result.exploration.stopped == "interrupted"
    assert result.of("MutualExclusion").verdict is Verdict.UNDETERMINED


def test_what_z3_does_not_know_is_undetermined(monkeypatch: pytest.MonkeyPatch) -> None:
    """Never rounded up to a verdict."""
    monkeypatch.setattr(z3.Solver, "check", lambda *_: z3.unknown)
    monkeypatch.setattr(z3.Solver, "reason_unknown", lambda _: "it is hard")
    result = small()
    assert {o.verdict for o in result.outcomes if o.property.kind is not Kind.EVENTUALLY} == {Verdict.UNDETERMINED}
    assert result.exploration.stopped == "z3 does not know: it is hard"


def test_wrong_input_is_one_sentence() -> None:
    """A bound below 0, and a property that does not exist."""
    with pytest.raises(InputError, match="less than 0"):
        small(bound=-1)
    with pytest.raises(InputError, match="no property 'Nothing'"):
        small(properties=("Nothing",))


def test_progress_is_told() -> None:
    """States, states of the last depth, depth."""
    told: list[tuple[int, int, int]] = []
    small(progress=lambda *counts: told.append(counts))
    assert told
    assert all(states >= 1 for states, _, _ in told)


# The same reports and files as of `check` ----------------------------------------------------------------------------


def test_its_traces_are_read_back_and_its_report_is_json() -> None:
    """A trace is written as ITF, read, and held against the specification."""
    model = Model(mutex.domain, "mutex:domain", RACY, "2", {})
    result = small()
    outcome = result.of("MutualExclusion")
    assert outcome.trace is not None
    text = trace_to_itf(model, outcome.trace, outcome.property, outcome.verdict.value, outcome.element)
    replayed = replay(read_itf(text), mutex.domain, "mutex:domain")
    assert replayed.trace.states == outcome.trace.states
    report = json.loads(report_json(model, result, Limits()))
    assert [p["verdict"] for p in report["properties"] if p["name"] == "MutualExclusion"] == ["violated"]


# z3 is told something wrong ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("listed", [0, LISTED])
def test_a_guard_that_z3_is_not_told_is_noticed(monkeypatch: pytest.MonkeyPatch, listed: int) -> None:
    """A step that is always possible is found to be impossible when it is taken again."""
    truth = Propositional.truth
    guards = _guards("test-and-set", "look")

    def without(self: Propositional, g: Ground, state: State) -> Any:
        return z3.BoolVal(True, self.context) if g.uid in guards else truth(self, g, state)

    monkeypatch.setattr(Propositional, "truth", without)
    with pytest.raises(DisagreementError, match=r"look\(.\) where the ground layer finds it impossible"):
        small("test-and-set", listed=listed)


@pytest.mark.parametrize("listed", [0, LISTED])
def test_an_update_that_z3_is_told_otherwise_is_noticed(monkeypatch: pytest.MonkeyPatch, listed: int) -> None:
    """z3 forgets that the lock is taken: the state after the step is another one."""
    after = Propositional.after

    def forgetful(self: Propositional, step: Step, state: State) -> State:
        terms = dict(after(self, step, state))
        return State({s: state[s] if s.variable.name == "locked" else t for s, t in terms.items()})

    monkeypatch.setattr(Propositional, "after", forgetful)
    with pytest.raises(DisagreementError, match=r"disagree on what .* does to locked"):
        small("test-and-set", listed=listed)


@pytest.mark.parametrize("listed", [0, LISTED])
def test_a_violation_that_is_none_is_noticed(monkeypatch: pytest.MonkeyPatch, listed: int) -> None:
    """z3 takes every state for one that decides every property."""
    truth = Propositional.truth
    ground = small(bound=0).ground
    claims = {ground.table.negation(c.ground).uid for p in ground.specification.properties for c in ground.claims(p)}

    def everywhere(self: Propositional, g: Ground, state: State) -> Any:
        return z3.BoolVal(True, self.context) if g.uid in claims else truth(self, g, state)

    monkeypatch.setattr(Propositional, "truth", everywhere)
    with pytest.raises(DisagreementError, match="shows none of them"):
        small(listed=listed)


@pytest.mark.parametrize("listed", [0, LISTED])
def test_a_step_that_z3_lacks_is_noticed_by_the_comparison(monkeypatch: pytest.MonkeyPatch, listed: int) -> None:
    """What is not found cannot be re-executed; the explorer finds it."""
    truth = Propositional.truth
    guards = _guards("look-then-take", "take")

    def never(self: Propositional, g: Ground, state: State) -> Any:
        return z3.BoolVal(False, self.context) if g.uid in guards else truth(self, g, state)

    monkeypatch.setattr(Propositional, "truth", never)
    differences = compare(mutex.domain, RACY, "2", 9, listed).differences
    assert any(d.startswith("MutualExclusion: None steps, the explorer has 4") for d in differences)


def _guards(design: str, action: str) -> set[int]:
    """The guards of an action of the lock; they have these numbers each time it is unrolled."""
    return {s.guard.uid for s in small(design, bound=0).ground.steps if s.action.name == action}


# Without z3 ----------------------------------------------------------------------------------------------------------


def test_without_z3_one_sentence_says_what_to_install() -> None:
    """And no traceback."""
    text = (
        "import sys; sys.modules['z3'] = None\n"
        "from sagacheck import InputError\n"
        "from sagacheck._bounded import bounded\n"
        "from sagaspec import domain\n"
        "specification = domain.specify(domain.design('conforming').settings, {})\n"
        "try:\n    bounded(specification, domain.load('chain:2', {}), 3)\n"
        "except InputError as error:\n    print(error)\n"
    )
    said = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True).stdout
    assert said == "this needs z3, which is not installed: pip install 'sagacheck[prove]'\n"


def test_check_does_not_import_z3() -> None:
    """Whoever does not prove does not pay for it."""
    text = (
        "import sys\n"
        "from sagacheck._cli import main\n"
        "import sagacheck._bounded\n"
        "main(['check', '--dag', 'chain:2', '--max-states', '5'])\n"
        "sys.exit('z3' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", text], capture_output=True, check=False).returncode == 0
