"""Claims about replay: what the checker finds in a design happens in the executor that has it, and in no other.

For every design that violates something, the shortest counterexample of every violated property is followed to its
violation by the mutant of that design, and refused by, or different in, the conforming executor.
"""

from __future__ import annotations

import random

import pytest

from mutants import MUTANTS
from sagacheck import Domain, Kind, Verdict
from sagacheck._force import Ending, force
from sagaref._adapter import Adapter
from sagaref._idle import IdleLoop
from sagaspec import domain
from traces import ENVIRONMENT, counterexamples, grounded, walks

DAGS = ("fork-join:2", "diamond", "a,b>c")
LENGTH = 60


def unsafe(of: Domain) -> list[str]:
    """Every named design, and every design one axis away from the conforming one."""
    return [d.name for d in (*of.designs, *of.deviations())]


@pytest.mark.parametrize("dag", DAGS)
@pytest.mark.parametrize("design", unsafe(domain))
def test_a_design_that_violates_something_has_a_mutant_and_no_other_has_one(design: str, dag: str) -> None:
    """Whether there is a mutant is whether the checker finds a violation."""
    assert bool(counterexamples(design, dag)) == (design in MUTANTS)


@pytest.mark.parametrize("dag", DAGS)
@pytest.mark.parametrize("design", list(MUTANTS))
def test_a_mutant_follows_every_counterexample_to_its_violation(design: str, dag: str) -> None:
    """Every step is taken, and the state after the last one, in which the property is violated, is the mutant's."""
    adapter = MUTANTS[design]()
    for outcome in counterexamples(design, dag):
        assert outcome.verdict is Verdict.VIOLATED
        assert outcome.property.kind is Kind.ALWAYS
        assert outcome.trace is not None
        forced = force(outcome.trace, ENVIRONMENT, adapter)
        assert (forced.ending, forced.at) == (Ending.FOLLOWED, len(outcome.trace.steps)), (outcome.property, forced)
    adapter.close()


@pytest.mark.parametrize("dag", DAGS)
@pytest.mark.parametrize("design", list(MUTANTS))
def test_the_conforming_executor_follows_no_counterexample(design: str, dag: str) -> None:
    """It refuses a step, or its state is another one; both with what it wanted instead."""
    adapter = Adapter()
    for outcome in counterexamples(design, dag):
        assert outcome.trace is not None
        forced = force(outcome.trace, ENVIRONMENT, adapter)
        assert forced.ending in (Ending.REFUSED, Ending.DIVERGED), outcome.property
        assert forced.offers or forced.differences
    adapter.close()


@pytest.mark.parametrize("design", list(MUTANTS))
def test_a_mutant_is_its_design_and_not_merely_led_along_one_trace(design: str) -> None:
    """Random walks of the design are followed to their end, whatever happens in them."""
    adapter = MUTANTS[design]()
    for trace in walks(design, "diamond", range(60), LENGTH):
        forced = force(trace, ENVIRONMENT, adapter)
        assert forced.ending is Ending.FOLLOWED, (forced, trace.steps[forced.at].action.name)
    adapter.close()


@pytest.mark.parametrize("design", list(MUTANTS))
def test_a_mutant_is_no_other_design(design: str) -> None:
    """The conforming executor does not follow all of these walks: the mutant differs in what can be seen."""
    adapter = Adapter()
    endings = [force(trace, ENVIRONMENT, adapter).ending for trace in walks(design, "diamond", range(200), LENGTH)]
    adapter.close()
    assert {Ending.REFUSED, Ending.DIVERGED} & set(endings)


def test_the_same_trace_gives_the_same_result_a_thousand_times() -> None:
    """Replay depends on no clock, no order of tasks, and nothing that was replayed before."""
    (outcome,) = [o for o in counterexamples("steno-0.4.1", "fork-join:2") if o.property.name == "Recoverable"]
    assert outcome.trace is not None
    for adapter, ending in ((MUTANTS["steno-0.4.1"](), Ending.FOLLOWED), (Adapter(), Ending.DIVERGED)):
        results = {force(outcome.trace, ENVIRONMENT, adapter) for _ in range(1000)}
        adapter.close()
        (forced,) = results
        assert forced.ending is ending


class ShuffledLoop(IdleLoop):
    """Runs the callbacks that are ready in a random order instead of in the order in which they became ready."""

    def __init__(self) -> None:
        super().__init__()
        self.rng = random.Random(1)

    def _run_once(self) -> None:
        self.rng.shuffle(self._ready)  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


@pytest.mark.parametrize("design", ["conforming", *MUTANTS])
def test_replay_does_not_depend_on_the_order_in_which_the_event_loop_runs_tasks(
    design: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Walks are followed, state for state, also when whatever is ready runs in a random order."""
    monkeypatch.setattr("sagaref._adapter.IdleLoop", ShuffledLoop)
    adapter = MUTANTS.get(design, Adapter)()
    for trace in walks(design, "a,b>c,d", range(30), LENGTH):
        assert force(trace, ENVIRONMENT, adapter).ending is Ending.FOLLOWED
    adapter.close()


def test_an_implementation_that_shows_another_value_diverges_there() -> None:
    """Whatever variable is told wrongly, at whatever state, the comparison sees it: nothing is left out of it."""
    (trace,) = walks("conforming", "diamond", range(1), LENGTH)
    shown = set(Adapter_that_lies.variables())
    ground, _ = grounded("conforming", "diamond")
    history = {"memory_writer", "log_writer"}  # which nobody can see from outside
    assert shown - {"lock"} == {v.name for v in ground.specification.variables} - history
    for variable in sorted(shown - {"lock"}):  # which the conforming design does not have
        adapter = Adapter_that_lies(variable)
        forced = force(trace, ENVIRONMENT, adapter)
        adapter.close()
        assert forced.ending is Ending.DIVERGED, variable
        assert {d.variable for d in forced.differences} == {variable}


class Adapter_that_lies(Adapter):  # noqa: N801
    """Tells one variable wrongly, after some steps."""

    def __init__(self, variable: str = "") -> None:
        super().__init__()
        self.variable = variable
        self.asked = 0

    @classmethod
    def variables(cls) -> list[str]:
        """The variables that the adapter shows of a running saga."""
        (trace,) = walks("conforming", "diamond", range(1), 0)
        adapter = cls()
        structure = trace.ground.structure
        predicates = {name: list(truth) for name, truth in structure.predicates.items()}
        loaded = {"document": structure.document, "labels": list(structure.labels), "predicates": predicates}
        reply = adapter.ask({"command": "load", **loaded, "environment": ENVIRONMENT})
        adapter.close()
        return list(reply["state"])

    def state(self) -> dict[str, object]:
        """The state, told wrongly after some time."""
        seen = super().state()
        self.asked += 1
        if self.asked > 5 and self.variable in seen:
            told = seen[self.variable]
            seen[self.variable] = [*told[:-1], "wrong"] if isinstance(told, list) else "wrong"
        return seen
