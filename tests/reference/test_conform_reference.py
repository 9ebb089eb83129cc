"""Claims about the conformance kit on the reference executor: it passes, and each mutant fails for its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import pytest

from requirement_mutants import KILLS, NOT_SEEN
from sagacheck import Design, Domain, Kind, Structure, check
from sagacheck._conform import Examiner, Plan, Suite
from sagacheck._play import REFINEMENT
from sagacheck._protocol import Conversation
from sagacheck._requirements import Judged, Judgement, judge, requirements
from sagacheck._schedules import Schedule, forbidden
from sagaref._adapter import Adapter
from sagaspec import domain
from traces import ENVIRONMENT, grounded

SPECIFICATION = domain.specify(domain.design(domain.default).settings, ENVIRONMENT)
REQUIREMENTS = requirements(domain, SPECIFICATION)


KEPT: dict[tuple[object, ...], tuple[list[Schedule], str]] = {}


@pytest.fixture(autouse=True)
def _schedules_are_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The forbidden schedules are the same for every adapter."""

    def kept(domain_: Domain, design: Design, structure: Structure, *rest: object) -> tuple[list[Schedule], str]:
        key = (design.name, structure.name, repr(rest))
        if key not in KEPT:
            KEPT[key] = forbidden(domain_, design, structure, *rest)  # type: ignore[arg-type]
        return KEPT[key]

    monkeypatch.setattr("sagacheck._conform.forbidden", kept)


def examined(adapter: type[Adapter], *structures: str, suites: Sequence[Suite] = ()) -> Examiner:
    """An examiner that has run the suites on an adapter."""
    connection = adapter()
    conversation = Conversation(connection)
    examiner = Examiner(
        domain, conversation, conversation.hello(), Plan(structures, ENVIRONMENT, frozenset(suites)), lambda *_: None
    )
    examiner.run()
    connection.close()
    return examiner


@cache
def judged(adapter: type[Adapter], *structures: str) -> Mapping[str, Judged]:
    """What is known of each requirement."""
    return {j.requirement.name: j for j in judge(examined(adapter, *structures), REQUIREMENTS)}


def first_of(found: Mapping[str, Judged]) -> list[str]:
    """The failed requirements, the one with the shortest run first; Refinement, which says least, is left out."""
    failed = [j for name, j in found.items() if j.judgement is Judgement.FAILED and name != REFINEMENT]
    return [j.requirement.name for j in sorted(failed, key=lambda j: len(j.failures[0].steps))]


def test_the_reference_passes_whatever_can_be_seen() -> None:
    """Every requirement, but for the two that nobody can see from outside, which never read passed."""
    found = judged(Adapter, "chain:2", "fork-join:2")
    not_passed = {name: j.judgement for name, j in found.items() if j.judgement is not Judgement.PASSED}
    assert not_passed == dict.fromkeys(NOT_SEEN, Judgement.NOT_OBSERVABLE)


@pytest.mark.parametrize("dag", ["chain:2", "fork-join:2", "diamond", "volume_delete"])
def test_the_tours_take_every_step_of_the_reachable_graph(dag: str) -> None:
    """As many as the explorer counts, action by action: no step is left out or counted twice."""
    (coverage,) = examined(Adapter, dag, suites=[Suite.COVER]).evidence.coverage
    ground, _ = grounded("conforming", dag)
    explored = check(ground.specification, ground.structure, properties=["NoPanic"]).exploration
    assert coverage.exact
    assert not coverage.missed
    assert not coverage.left
    assert dict(coverage.taken) == {name: c.enabled for name, c in explored.coverage.items() if c.enabled}


@pytest.mark.parametrize("requirement", KILLS)
def test_each_requirement_is_the_first_to_kill_a_mutant(requirement: str) -> None:
    """No mutant is killed by an unrelated requirement only, and none survives."""
    found = judged(KILLS[requirement], "fork-join:2")
    assert found[requirement].judgement is Judgement.FAILED
    assert first_of(found)[:1] == ([] if requirement == REFINEMENT else [requirement])


def test_every_requirement_that_can_be_seen_has_a_mutant() -> None:
    """And the others have one that what stands for them kills."""
    assert {r.name for r in REQUIREMENTS} == {*KILLS, *NOT_SEEN}
    for name, adapter in NOT_SEEN.items():
        (r,) = (r for r in REQUIREMENTS if r.name == name)
        found = judged(adapter, "fork-join:2")
        assert found[name].judgement is Judgement.NOT_OBSERVABLE
        assert any(found[other].judgement is Judgement.FAILED for other in r.stands_for)


def test_there_is_a_requirement_for_every_property_that_always_holds() -> None:
    """With the two that a standstill violates, and one for the whole."""
    always = {p.name for p in SPECIFICATION.properties if p.kind is Kind.ALWAYS}
    assert {r.name for r in REQUIREMENTS} == {*always, "Termination", "ResumeProgress", REFINEMENT}


class Forgetful(Adapter):
    """Shows neither memory nor where anybody is."""

    hidden = frozenset({"log_copy", "lock", "pc", "work", "undo_work", "phase", "stopping", "queue_todo", "queue_undo",
                        "node_tasks", "node_outputs", "node_errors", "undo_errors", "nodes_undone"})  # fmt: skip

    def _hello(self) -> dict[str, object]:
        hello = super()._hello()
        return {**hello, "shows": [v for v in hello["shows"] if v not in self.hidden]}

    def state(self) -> dict[str, object]:
        """The log, the effects, the runs, and whether an assertion has failed."""
        return {name: value for name, value in super().state().items() if name not in self.hidden}


def test_what_is_not_shown_reads_not_observable() -> None:
    """A passed requirement was seen: without memory nobody can tell torn memory from whole memory."""
    found = judged(Forgetful, "fork-join:2")
    unseen = {name for name, j in found.items() if j.judgement is Judgement.NOT_OBSERVABLE}
    assert {"NoTornState", "CompletionDurableFirst", "StartMemoryFirst", "DirectionAgrees"} <= unseen
    assert found["NoPanic"].judgement is found["LegalLog"].judgement is Judgement.PASSED
    assert not first_of(found)


class Loose(Adapter):
    """Cannot be held where the loop acts: that happens on its own."""

    own = (
        "kick_off",
        "take_success",
        "take_failure",
        "take_undo_success",
        "take_undo_failure",
        "finish",
        "read_result",
    )

    def _hello(self) -> dict[str, object]:
        hello = super()._hello()
        hello["steps"] = [s for s in hello["steps"] if s not in self.own]
        return {**hello, "internal": list(self.own)}

    def ask(self, message: Mapping[str, object]) -> dict[str, object]:
        """Answer, and let the loop go on until it waits for somebody else."""
        reply = super().ask(message)
        while "offers" in reply and (ready := [o for o in reply["offers"] if o["step"] in self.own]):
            reply = {**super().ask({"command": "step", **ready[0]}), "outcome": reply["outcome"]}
        return reply


def test_an_executor_with_fewer_injection_points_passes_too() -> None:
    """What happens on its own is explained by a set of states; random walks are made as well."""
    examiner = examined(Loose, "fork-join:2")
    assert examiner.evidence.runs[Suite.RANDOM] > 0
    assert not examiner.evidence.coverage[0].exact
    failed = [j for j in judge(examiner, REQUIREMENTS) if j.judgement is Judgement.FAILED]
    assert not failed, [(j.requirement.name, j.failures[0]) for j in failed]


class LooseStrict(Loose, KILLS["Recoverable"]):  # type: ignore[name-defined, misc]
    """The same with a recovery that is too strict."""


def test_a_mutant_with_fewer_injection_points_is_killed_too() -> None:
    """And for its reason."""
    assert first_of(judged(LooseStrict, "fork-join:2"))[:1] == ["Recoverable"]


def test_a_run_that_fails_is_as_short_as_it_can_be() -> None:
    """Without any of its steps it does not fail in that way any more; and it fails again."""
    examiner = examined(KILLS["Recoverable"], "fork-join:2")
    failure = next(f for f in examiner.evidence.failures.values() if f.requirement == "Recoverable")
    connection = KILLS["Recoverable"]()
    conversation = Conversation(connection)
    again = Examiner(domain, conversation, conversation.hello(), Plan((), ENVIRONMENT), lambda *_: None)
    for leave_out in range(-1, len(failure.steps)):
        steps = [o for i, o in enumerate(failure.steps) if i != leave_out]
        failed = {f.requirement for f in again.once("fork-join:2", steps).failures}
        assert ("Recoverable" in failed) == (leave_out == -1), leave_out
    connection.close()


def test_the_same_test_gives_the_same_result() -> None:
    """Twice, with all that was seen."""
    first, second = (examined(KILLS["NoTornState"], "chain:2").evidence for _ in range(2))
    assert first == second
