"""Claims about the known races of steno 0.4.1: each is found, by the shortest way, and the conforming design has none.

R1 to R4 are the names of docs/findings.md. Every trace is judged by replaying it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from panics import (
    STALE_DONE,
    executor,
    judge,
    reached_name,
    reaching,
    watching_status,
    without,
)
from sagacheck import Limits, Result, Specification, Trace, Verdict, check
from sagaspec import domain
from sagaspec._state import Panic, Pc

LIMITS = Limits(states=200_000)
FORK_JOIN = "fork-join:2"
TORN = (Panic.NODE_ERROR, Panic.UNDO_ERROR, Panic.UNDETERMINED, Panic.UNDONE_TWICE)


def explored(specification: Specification, dag: str, *names: str) -> Result:
    """Decide these properties on this saga; every one of them is decided."""
    result = check(specification, domain.load(dag, {}), properties=names, limits=LIMITS)
    assert Verdict.UNDETERMINED not in {o.verdict for o in result.outcomes}
    return result


def unreached(result: Result, name: str) -> bool:
    """No reachable state is like that, and all of them were looked at."""
    return result.of(name).verdict is Verdict.VIOLATED and result.exploration.complete


def value(trace: Trace, variable: str, element: int | None = None) -> str:
    """A variable in the last state of a trace."""
    ground = trace.ground
    return ground.show(ground.slots[variable, element], trace.states[-1])


@dataclass(frozen=True)
class Race:
    """A panic, where it is found, who took the last step, and how many steps the shortest way has."""

    name: str
    panic: Panic
    last: str
    length: int
    design: str = "steno-0.4.1"
    overrides: dict[str, str] = field(default_factory=dict)
    drop: tuple[str, ...] = ()


IN_EXECUTOR = ("ask_status", "end_status")
RACES = (
    Race("R1 through status", Panic.NODE_ERROR, "ask_status", 15),
    Race("R1 in the walk", Panic.NODE_ERROR, "test_parent", 24, drop=IN_EXECUTOR),
    Race(
        "R1 in propagation",
        Panic.NODE_ERROR,
        "propagate_failure",
        24,
        "conforming",
        {"writer": "split"},
        drop=("ask_status",),
    ),
    Race("R2 through status", Panic.UNDO_ERROR, "ask_status", 29),
    Race("R3 through status", Panic.UNDETERMINED, "ask_status", 8),
    Race("R4 in propagation", Panic.UNDONE_TWICE, "propagate_failure", 32, overrides={"assertions": "off"}),
)


@pytest.mark.parametrize("race", RACES, ids=lambda race: race.name)
def test_each_known_panic_is_found_by_its_shortest_way(race: Race) -> None:
    """The panic is there, the trace can be taken step by step, and the last step is by who is said to fall."""
    name = reached_name(race.panic)
    specification = without(reaching(executor(race.design, race.overrides), race.panic), *race.drop)
    trace = judge(explored(specification, FORK_JOIN, name).of(name))
    assert trace.steps[-1].action.name == race.last
    assert len(trace.steps) == race.length


def test_the_panic_that_is_reported_is_the_shortest_of_all() -> None:
    """Of steno 0.4.1 that is R3, as the first completion of a saga is taken."""
    trace = judge(explored(executor("steno-0.4.1"), FORK_JOIN, "NoPanic").of("NoPanic"))
    assert value(trace, "panic") == "UNDETERMINED"
    assert len(trace.steps) == min(race.length for race in RACES if race.design == "steno-0.4.1")


@pytest.mark.parametrize("panic", [Panic.UNDO_ERROR, Panic.UNDETERMINED])
def test_r2_and_r3_are_reached_through_status_only(panic: Panic) -> None:
    """Without a status query the executor of steno 0.4.1 never asks for such a node's state."""
    specification = without(reaching(executor("steno-0.4.1"), panic), *IN_EXECUTOR)
    assert unreached(explored(specification, FORK_JOIN, reached_name(panic)), reached_name(panic))


def test_r1_in_the_executor_needs_two_nodes_in_flight() -> None:
    """On a chain no unwinding can come to a node whose failure is not propagated."""
    specification = without(reaching(executor("steno-0.4.1"), Panic.NODE_ERROR), *IN_EXECUTOR)
    assert unreached(explored(specification, "chain:3", reached_name(Panic.NODE_ERROR)), "reaches NODE_ERROR")


def test_without_the_assertions_r1_and_r2_turn_into_r4() -> None:
    """Deleting them does not help: what they caught goes on to mark a node undone twice."""
    asked = (Panic.NODE_ERROR, Panic.UNDO_ERROR, Panic.UNDONE_TWICE)
    off = explored(
        reaching(executor("steno-0.4.1", {"assertions": "off"}), *asked), FORK_JOIN, *map(reached_name, asked)
    )
    on = explored(reaching(executor("steno-0.4.1"), *asked), FORK_JOIN, *map(reached_name, asked))
    assert [unreached(off, reached_name(p)) for p in asked] == [True, True, False]
    assert [unreached(on, reached_name(p)) for p in asked] == [False, False, True]


def test_the_silent_cousin_of_r3_shows_an_undone_node_as_done() -> None:
    """The node's undo has finished, memory says so in one place and Done in another, and no assertion fails."""
    trace = judge(explored(watching_status(executor("steno-0.4.1")), FORK_JOIN, STALE_DONE).of(STALE_DONE))
    torn = next(p for p in trace.ground.specification.properties if p.name == "NoTornState")
    claims = [c for c in trace.ground.claims(torn) if not trace.ground.evaluate(c.ground, trace.states[-1])]
    assert [value(trace, "log_copy", c.element) for c in claims] == ["UNDO_FINISHED"]
    assert value(trace, "panic") == "NONE"
    asked = next(step for step in trace.ground.steps if step.action.name == "ask_status")
    answered = trace.ground.apply(trace.states[-1], asked.updates)
    assert trace.ground.evaluate(asked.guard, trace.states[-1])
    assert trace.ground.show(trace.ground.slots["panic", None], answered) == "NONE"


def test_the_torn_state_is_seen_before_any_panic() -> None:
    """NoTornState needs nobody to ask: its trace is one step shorter than that of the panic."""
    result = explored(executor("steno-0.4.1"), FORK_JOIN, "NoTornState", "NoPanic")
    torn, panic = (judge(result.of(name)) for name in ("NoTornState", "NoPanic"))
    assert len(torn.steps) == len(panic.steps) - 1


def test_the_lock_is_held_across_a_durable_write() -> None:
    """From the first write on: a worker has the lock, and the write is pending."""
    trace = judge(explored(executor("steno-0.4.1"), FORK_JOIN, "StatusAvailable").of("StatusAvailable"))
    assert [step.action.name for step in trace.steps] == ["kick_off", "record_start"]
    assert value(trace, "lock") == "WORKER"
    start = trace.ground.structure.elements["start"]
    assert value(trace, "work", start) == "WRITE_START"


@pytest.mark.parametrize("dag", [FORK_JOIN, "diamond", "a,b,c"])
def test_the_conforming_design_has_none_of_them(dag: str) -> None:
    """No such panic, no torn state, no stale answer, no lock over a write, in any reachable state."""
    specification = watching_status(reaching(executor("conforming"), *TORN))
    names = [*map(reached_name, TORN), STALE_DONE]
    safe = ["NoTornState", "NoPanic", "StatusAvailable"]
    result = explored(specification, dag, *names, *safe)
    assert result.exploration.complete
    assert [name for name in names if not unreached(result, name)] == []
    assert [name for name in safe if result.of(name).verdict is not Verdict.HOLDS] == []


# Sagas that are lost -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dag", [FORK_JOIN, "volume_delete"])
@pytest.mark.parametrize("design", ["steno-0.4.1", "conforming"])
def test_the_strict_rule_of_recovery_loses_sagas(design: str, dag: str) -> None:
    """One crash while a node is undone whose child never started, and no process will take up the saga again."""
    specification = reaching(executor(design, {"recovery": "strict"}), Pc.REFUSED)
    trace = judge(explored(specification, dag, "Recoverable").of("Recoverable"))
    assert value(trace, "pc") == "REFUSED"
    assert trace.steps[-1].action.name == "recover"
    logs = {value(trace, "log", n) for n in range(trace.ground.structure.size)}
    assert "NEVER_STARTED" in logs
    assert logs & {"UNDO_STARTED", "UNDO_FINISHED"}


@pytest.mark.parametrize("dag", [FORK_JOIN, "volume_delete"])
@pytest.mark.parametrize("design", ["steno-0.4.1", "conforming"])
def test_the_relaxed_rule_of_recovery_loses_none(design: str, dag: str) -> None:
    """The same designs with the other rule never refuse a log that they wrote."""
    specification = reaching(executor(design, {"recovery": "relaxed"}), Pc.REFUSED)
    assert unreached(explored(specification, dag, reached_name(Pc.REFUSED)), reached_name(Pc.REFUSED))


def test_one_crash_is_enough_to_lose_a_saga() -> None:
    """With at most one crash fork-join:2 is lost all the same, and without any it is not."""
    names = []
    for crashes in ("0", "1"):
        specification = reaching(executor("conforming", {"recovery": "strict"}, {"crashes": crashes}), Pc.REFUSED)
        names.append(unreached(explored(specification, FORK_JOIN, reached_name(Pc.REFUSED)), "reaches REFUSED"))
    assert names == [True, False]
