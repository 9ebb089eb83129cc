"""Claims about the conforming design: it satisfies every property, termination too, whatever fails and however often.

The environment is the widest there is: any number of crashes, any action may fail, any undo may fail. Sagas are some
of the families and every DAG of up to four actions. That the model is not empty is claimed as well. The whole takes
less than a minute on two cores.
"""

from __future__ import annotations

import functools
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import pytest

from panics import executor, judge
from sagacheck import DEADLOCK, Kind, Limits, Result, Specification, Verdict, check
from sagaspec import domain
from small_dags import all_small_dags

LIMITS = Limits(states=200_000)
FORK_JOIN = "fork-join:2"
FAMILIES = ("fork-join:4", "chain:8", "diamond", "ladder:2x2", "a>b,b>c,a>c")
ONLY_ACTION = ("a",)  # when it fails no other action is there to be undone
NEEDS_ANOTHER_ACTION = {"CleanUnwinding", "CrashInUndo", "EffectRemoved", "Stuck"}


@functools.cache
def specification(**environment: str) -> Specification:
    """The conforming design; by default in the widest environment."""
    return executor("conforming", environment=_named(environment))


def _named(environment: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in environment.items()}


def explored(dag: str, **environment: str) -> Result:
    """Every property on this saga."""
    structure = domain.load(dag, _named(environment))
    return check(specification(**environment), structure, limits=LIMITS)


def not_holding(result: Result) -> dict[str, tuple[Verdict, str]]:
    """Property name -> verdict and reason, of those that do not simply hold."""
    return {o.property.name: (o.verdict, o.reason) for o in result.outcomes if o.verdict is not Verdict.HOLDS}


@dataclass(frozen=True)
class Decided:
    """What is known of a saga, small enough to be sent from one process to another."""

    complete: bool
    properties: frozenset[str]
    odd: dict[str, tuple[Verdict, str]]


def decided(dag: str) -> Decided:
    """Every property on this saga; run by a process of its own."""
    result = explored(dag)
    names = frozenset(o.property.name for o in result.outcomes)
    return Decided(result.exploration.complete, names, not_holding(result))


@pytest.fixture(scope="module")
def verdicts(request: pytest.FixtureRequest) -> dict[str, Decided]:
    """The sagas of those tests that were selected, decided by two processes side by side."""
    selected = (getattr(item, "callspec", None) for item in request.session.items if item.module is request.module)
    dags = [call.params["decide"] for call in selected if call is not None and "decide" in call.params]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        return dict(zip(dags, pool.map(decided, dags), strict=True))


@pytest.mark.parametrize("decide", dict.fromkeys((*FAMILIES, *all_small_dags())))
def test_every_property_holds(decide: str, verdicts: dict[str, Decided]) -> None:
    """All states were looked at, and nothing is violated, undetermined, or excluded without need."""
    found = verdicts[decide]
    assert found.complete
    assert found.properties == {p.name for p in (*specification().properties, DEADLOCK)}
    if decide in ONLY_ACTION:
        assert set(found.odd) == NEEDS_ANOTHER_ACTION
        assert {verdict for verdict, _ in found.odd.values()} == {Verdict.NOT_CHECKED}
    else:
        assert found.odd == {}


def test_the_properties_are_those_of_the_document() -> None:
    """What holds is not less than what was asked for: the safety properties, and both kinds of progress."""
    wanted = {
        "StartMemoryFirst",
        "CompletionDurableFirst",
        "WriteAheadIntent",
        "NoTornState",
        "NoPanic",
        "SingleWriter",
        "DependencyOrder",
        "UndoOrder",
        "AtMostOnce",
        "LegalLog",
        "Recoverable",
        "StatusAvailable",
        "Atomicity",
        "Termination",
        "ResumeProgress",
    }
    assert wanted <= {p.name for p in specification().properties}


# The model is not empty ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dag", [FORK_JOIN, "chain:2", "diamond"])
def test_no_action_never_fires(dag: str) -> None:
    """Failures, undo actions, stuck sagas, crashes and recovery happen; all but the query lead somewhere new."""
    coverage = explored(dag).exploration.coverage
    assert [name for name, c in coverage.items() if c.enabled == 0] == []
    assert [name for name, c in coverage.items() if c.new == 0] == ["ask_status"]
    assert {"fail", "fail_undo", "remove_effect", "crash", "recover"} <= set(coverage)


def test_every_sometimes_is_reached_by_a_trace_that_replays() -> None:
    """None is excluded in the widest environment, and the last state of each trace is like that."""
    reached = [o for o in explored(FORK_JOIN).outcomes if o.property.kind is Kind.SOMETIMES]
    assert len(reached) >= 8
    for outcome in reached:
        judge(outcome)


CRASHES = {"CrashInAction", "CrashInUndo", "RecoveryForward", "RecoveryUnwinding", "ResumeProgress"}


@pytest.mark.parametrize(
    ("environment", "excluded", "word"),
    [
        ({"crashes": "0"}, CRASHES, "crashes=0"),
        ({"crashes": "1"}, set(), ""),
        ({"fail": "none"}, {*NEEDS_ANOTHER_ACTION, "RecoveryUnwinding"}, "in this environment"),
        ({"undo_fail": "none"}, {"Stuck"}, "in this environment"),
        ({"fail": "a"}, set(), ""),
    ],
    ids=["crashes=0", "crashes=1", "fail=none", "undo-fail=none", "fail=a"],
)
def test_a_narrower_environment_excludes_what_it_rules_out_and_nothing_else(
    environment: dict[str, str], excluded: set[str], word: str
) -> None:
    """Each excluded property says by what, and all others hold."""
    odd = not_holding(explored(FORK_JOIN, **environment))
    assert set(odd) == excluded
    assert all(verdict is Verdict.NOT_CHECKED and word in reason for verdict, reason in odd.values())


def test_fewer_crashes_reach_fewer_states() -> None:
    """With the counter of crashes left out of sight, none < any; and the counter makes one crash a larger model."""
    none, one, any_number = (explored(FORK_JOIN, crashes=n).exploration for n in ("0", "1", "any"))
    assert none.states < any_number.states < one.states
    assert none.coverage["crash"].enabled == 0 < one.coverage["crash"].enabled


@pytest.mark.parametrize("dag", ["a", FORK_JOIN, "a>b,b>c,a>c"])
def test_actions_that_break_their_contract_break_atomicity(dag: str) -> None:
    """When an action that fails leaves its effect, no design can help; the executor itself does nothing wrong."""
    result = explored(dag, contract="dropped")
    violated = [o for o in result.outcomes if o.verdict is Verdict.VIOLATED]
    assert {o.property.name for o in violated} == {"UndoOrder", "Atomicity"}
    for outcome in violated:
        judge(outcome)
