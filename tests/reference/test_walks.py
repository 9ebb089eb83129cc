"""Claims about conformance: whatever the specification's conforming design does, the executor does, state for state.

And it does nothing else: at every state of a walk the steps that can be taken in the executor are those that are
possible in the specification.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest

from sagacheck import Trace, check
from sagacheck._engine import Successors
from sagacheck._force import Ending, force
from sagaref._adapter import Adapter
from tours import tours
from traces import ENVIRONMENT, grounded, walks

WALKS = {"chain:2": 300, "fork-join:2": 400, "fork-join:3": 300, "diamond": 500, "a,b>c,d": 400, "volume_delete": 200}
LONGER = {"demo_provision": 300, "instance_start": 20, "snapshot_delete": 100, "ladder:2x2": 500, "random:6:1": 500}
LENGTH = 120


class Recording(Adapter):
    """Keeps what was on offer after each message."""

    def __init__(self) -> None:
        super().__init__()
        self.offered: list[set[tuple[str, str | None]]] = []

    def ask(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Answer, and keep what is on offer then."""
        reply = super().ask(message)
        if message["command"] == "load":
            self.offered = []
        if "offers" in reply:
            self.offered.append({(o["step"], o["node"]) for o in reply["offers"]})
        return reply


def possible(successors: Successors, trace: Trace, state: int) -> set[tuple[str, str | None]]:
    """The steps that the specification has in a state."""
    ground = trace.ground
    steps = [ground.steps[i] for i in successors.enabled(state)]
    return {(s.action.name, ground.structure.labels[s.elements[0]] if s.elements else None) for s in steps}


def follow(dag: str, count: int) -> Counter[str]:
    """Force walks upon the executor, and count the steps that were taken by name."""
    return follow_all(dag, walks("conforming", dag, range(count), LENGTH))


def follow_all(dag: str, traces: Iterable[Trace]) -> Counter[str]:
    """Force traces upon the executor, and count the steps that were taken by name."""
    _, successors = grounded("conforming", dag)
    adapter = Recording()
    taken: Counter[str] = Counter()
    for trace in traces:
        forced = force(trace, ENVIRONMENT, adapter)
        assert forced.ending is Ending.FOLLOWED, (dag, forced, trace.steps[forced.at].action.name)
        for state, offered in zip(trace.states, adapter.offered, strict=True):
            assert offered == possible(successors, trace, state)
        taken.update(step.action.name for step in trace.steps)
    adapter.close()
    return taken


@pytest.mark.parametrize("dag", WALKS)
def test_random_walks_are_followed_state_for_state(dag: str) -> None:
    """Thousands of walks in all, with crashes; and at every state the same steps are possible."""
    taken = follow(dag, WALKS[dag])
    assert taken["crash"] > 0
    assert taken["take_undo_success"] > 0


def test_the_walks_take_every_step_that_the_design_has() -> None:
    """Undo, undo failure, crash and recovery, and every other step of the conforming design, happen in them."""
    ground, _ = grounded("conforming", "diamond")
    taken = Counter(
        s.action.name for t in walks("conforming", "diamond", range(WALKS["diamond"]), LENGTH) for s in t.steps
    )
    assert set(taken) == {action.name for action in ground.specification.actions}


def follow_everywhere(dag: str) -> None:
    """Take every step of the reachable graph in the executor."""
    ground, successors = grounded("conforming", dag)
    states, taken = set(), set()

    def noted() -> Iterator[Trace]:
        for trace in tours(ground, successors, LENGTH):
            states.update(trace.states)
            taken.update(zip(trace.states, (step.index for step in trace.steps), strict=False))
            yield trace

    follow_all(dag, noted())
    found = check(ground.specification, ground.structure, properties=["NoPanic"]).exploration
    assert len(states) == found.states
    assert taken == {(state, step) for state in states for step in successors.enabled(state)}


@pytest.mark.parametrize("dag", ["chain:2", "fork-join:2", "diamond"])
def test_every_step_that_is_possible_anywhere_is_taken(dag: str) -> None:
    """On these sagas the executor is the specification: no reachable state and no step from it is left out."""
    follow_everywhere(dag)


@pytest.mark.long
@pytest.mark.parametrize("dag", ["a,b>c", "volume_delete", "demo_provision", "ladder:2x2"])
def test_every_step_is_taken_on_larger_sagas_too(dag: str) -> None:
    """The same, on sagas of production and larger shapes."""
    follow_everywhere(dag)


@pytest.mark.long
@pytest.mark.parametrize("dag", LONGER)
def test_walks_of_larger_sagas_are_followed_too(dag: str) -> None:
    """The same, on sagas of production and larger shapes."""
    assert follow(dag, LONGER[dag])["crash"] > 0
