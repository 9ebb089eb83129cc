"""The executor does what its docs say, whatever its users do to it and wherever it dies: Hypothesis drives it.

`saga_machine` creates sagas on random DAGs, lets their actions and writes go on one by one, injects faults, holds,
cancels and looks at sagas, closes executors in the middle, and has others take their sagas; `saga_model` says what is
right. A machine that finds nothing wrong with anything would pass as well: so executors and stores that are wrong on
purpose are run, and each is found out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, Phase, settings

import mutants
from saga_machine import Place, PostgresPlace, SqlitePlace, run
from saga_model import Violation
from sagaref import Event, Executor, LogEntry, MemoryStore, Store
from sagaref._execution import Execution
from sagaref._log import Load
from sagaref._memory import Memory
from sagaref._memory import Phase as Phases

PROFILE = settings(
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=False,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
FEW = settings(PROFILE, max_examples=10, stateful_step_count=40)
MORE = settings(PROFILE, max_examples=40, stateful_step_count=40)
MANY = settings(PROFILE, max_examples=100, stateful_step_count=60)

# What a machine that is worth something comes to: in some examples, and in many.
OFTEN = {"succeeded", "unwound", "an action again", "stopped by Superseded"}
SOMETIMES = OFTEN | {
    "stuck", "succeeded again", "unwound again", "stuck again", "an undo action again", "an undo action in a subsaga",
    "two undo failures", "stopped by StoreError", "Cancelled", "undo Cancelled", "error reached", "error not reached",
    "undo error not reached", "repeat reached", "repeat not reached", "undo repeat not reached",
}  # fmt: skip


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def place(request: pytest.FixtureRequest) -> Place:
    """Each of the stores."""
    if request.param == "postgres":
        return PostgresPlace(request.getfixturevalue("postgres"), request.getfixturevalue("database"))
    return Place() if request.param == "memory" else SqlitePlace()


def test_whatever_is_done_to_an_executor_it_does_what_its_docs_say() -> None:
    """Some examples of it; whether they come to something worth checking is checked too."""
    seen = run(MORE, Place())
    assert seen.keys() >= OFTEN, seen


def test_it_does_so_on_each_store(place: Place) -> None:
    """A few examples on each: what an executor may rely on is the same."""
    run(FEW, place)


@pytest.mark.long
def test_whatever_is_done_to_an_executor_for_long_it_does_what_its_docs_say() -> None:
    """Many examples of it, which come to everything that the model knows of."""
    seen = run(settings(MANY, max_examples=600), Place())
    assert seen.keys() >= SOMETIMES, SOMETIMES - seen.keys()


@pytest.mark.long
def test_it_does_so_for_long_on_each_store(place: Place) -> None:
    """More examples on each."""
    run(MANY, place)


# What is wrong on purpose ---------------------------------------------------------------------------------------------


class ChildrenTooEarly(Memory):
    """A child is queued when one of its parents has succeeded."""

    def done(self, n: int, output: str) -> None:
        """Also queue the children."""
        super().done(n, output)
        if self.phase is Phases.RUNNING:
            for c in self.dag.children[n]:
                if self.log_copy[c] is Load.NEVER_STARTED:
                    self.queue_todo[c] = None


class ParentsTooEarly(Memory):
    """A parent is to be undone when one of its children counts as undone."""

    def all_undone(self, nodes: Iterable[int]) -> bool:
        """Whether one of them is."""
        return any(m in self.nodes_undone for m in nodes)


class Forgetful(Place):
    """A store that forgets one kind of event."""

    def __init__(self, event: Event) -> None:
        self.event = event

    @contextmanager
    def example(self) -> Iterator[Callable[[], Store]]:
        """See `Place.example`."""
        forgotten = self.event

        class ForgetfulStore(MemoryStore):
            async def append(self, saga_id: str, generation: int, entry: LogEntry) -> None:
                if entry.event is not forgotten or entry.node != 1:
                    await super().append(saga_id, generation, entry)

        store = ForgetfulStore()
        yield lambda: store


class Unfenced(Place):
    """A store that lets everybody write who ever took the saga."""

    @contextmanager
    def example(self) -> Iterator[Callable[[], Store]]:
        """See `Place.example`."""

        class UnfencedStore(MemoryStore):
            async def append(self, saga_id: str, generation: int, entry: LogEntry) -> None:
                await super().append(saga_id, max(generation, (await self.get(saga_id)).generation), entry)

        store = UnfencedStore()
        yield lambda: store


def executor(**parts: object) -> type[Executor]:
    """An executor some of whose parts are others."""
    return type("Wrong", (Executor,), {"execution_class": type("Wrong", (Execution,), parts)})


WRONG = {
    "a start is durable first": (Place(), executor(recorder_class=mutants.StartDurableFirst)),
    "a completion is in memory first": (Place(), executor(recorder_class=mutants.CompletionMemoryFirst)),
    "a start is written after the action": (Place(), executor(recorder_class=mutants.IntentAfter)),
    "recovery is too strict": (Place(), executor(allowed_parents=mutants.STRICT)),
    "children start too early": (Place(), executor(memory_class=ChildrenTooEarly)),
    "parents are undone too early": (Place(), executor(memory_class=ParentsTooEarly)),
    "the store forgets a start": (Forgetful(Event.STARTED), Executor),
    "the store forgets a success": (Forgetful(Event.SUCCEEDED), Executor),
    "the store forgets an undo": (Forgetful(Event.UNDO_FINISHED), Executor),
    "the store fences nobody off": (Unfenced(), Executor),
}
RARELY_WRONG = {
    "a second undo action may not fail": mutants.StuckOnce,
    "the unwinding comes to no parent twice": mutants.RevisitPanics,
}


@pytest.mark.parametrize(("place", "executor_class"), WRONG.values(), ids=WRONG)
def test_an_executor_that_is_wrong_is_found_out(place: Place, executor_class: type[Executor]) -> None:
    """The shortest way to see what is wrong on purpose is of no interest."""
    with pytest.raises(Violation):
        run(settings(MORE, max_examples=300, phases=[Phase.generate]), place, executor_class)


@pytest.mark.long
@pytest.mark.parametrize("memory_class", RARELY_WRONG.values(), ids=RARELY_WRONG)
def test_an_executor_that_is_rarely_wrong_is_found_out(memory_class: type[Memory]) -> None:
    """It needs a DAG, failures and an order that are made for it."""
    with pytest.raises(Violation):
        run(settings(MANY, max_examples=3000, phases=[Phase.generate]), Place(), executor(memory_class=memory_class))
