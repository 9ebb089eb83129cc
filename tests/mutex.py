"""A specification that has nothing to do with sagas: processes and a lock, taken in one step or (wrongly) in two."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from sagacheck import Axis, Capability, Conformance, Design, Domain, InputError, Option, Specification, Structure
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


class Pc(enum.Enum):
    """Where a process is."""

    IDLE = "idle"
    TRYING = "saw the lock free"
    INSIDE = "inside"


class State(StateBase):
    """Every process, and the lock."""

    atomic: bool
    pc: PerElement[Pc] = per_element(Pc, Pc.IDLE, group="processes", doc="where each process is")
    locked: bool = scalar(bool, False, group="lock", doc="whether the lock is taken")


@action("process")
def look(s: State, n: Element) -> None:
    """{n} finds the lock free."""
    require(s.pc[n] == Pc.IDLE and not s.locked)
    if s.atomic:
        s.locked = True
        s.pc[n] = Pc.INSIDE
    else:
        s.pc[n] = Pc.TRYING


@action("process", given=lambda p: not p.atomic)
def take(s: State, n: Element) -> None:
    """{n} takes the lock that it saw free."""
    require(s.pc[n] == Pc.TRYING)
    s.locked = True
    s.pc[n] = Pc.INSIDE


@action("process")
def leave(s: State, n: Element) -> None:
    """{n} leaves and frees the lock."""
    require(s.pc[n] == Pc.INSIDE)
    s.pc[n] = Pc.IDLE
    s.locked = False


@always(because="it is what a lock is for", source="E. W. Dijkstra, 1965", wrong="{n} is not alone inside")
def MutualExclusion(s: State, n: Element) -> bool:
    """No two processes are inside."""
    return s.pc[n] != Pc.INSIDE or all(s.pc[m] != Pc.INSIDE for m in elements() if m != n)


@sometimes(because="a lock that nobody gets is safe", source="E. W. Dijkstra, 1965")
def Entered(s: State, n: Element) -> bool:
    """A process is inside."""
    return s.pc[n] == Pc.INSIDE


@eventually(because="a lock that lets nobody in serves nobody", source="E. W. Dijkstra, 1965", wrong="nobody enters")
def FirstEnters(s: State) -> bool:
    """Somebody enters."""
    return any(s.pc[n] == Pc.INSIDE for n in elements())


def specification(atomic: bool) -> Specification:
    """The lock, taken in one step (atomic) or in two."""
    return build(
        name="mutex",
        doc="Processes and a lock.",
        state=State,
        actions=[look, take, leave],
        properties=[MutualExclusion, Entered, FirstEnters],
        parameters={"atomic": atomic},
        element_name="process",
        groups=("processes", "lock"),
    )


def _processes(text: str, _environment: Mapping[str, str]) -> Structure:
    if not text.isdecimal() or not text.isascii() or len(text) > 2 or not 0 < int(text) < 27:
        raise InputError(f"--processes {text}: give a number from 1 to 26")
    return Structure(f"processes {text}", tuple("abcdefghijklmnopqrstuvwxyz"[: int(text)]))


domain = Domain(
    name="mutex",
    doc="Processes and a lock.",
    element="process",
    axes=(Axis("taking", ("one-step", "two-steps"), "whether finding the lock free and taking it is one step"),),
    designs=(
        Design("test-and-set", {"taking": "one-step"}, "One step."),
        Design("look-then-take", {"taking": "two-steps"}, "Two steps."),
    ),
    default="test-and-set",
    structure=Option("processes", "N", "3", "how many processes"),
    table_structure="2",
    environment=(),
    load=_processes,
    specify=lambda settings, _environment: specification(settings["taking"] == "one-step"),
    conformance=Conformance(
        structures=("2", "3"),
        smallest="2",
        reading="look-then-take",
        capabilities=(Capability("leaving", "who is inside may leave", ("leave",)),),
        demands={"leave": "FirstEnters"},
        standstill="FirstEnters",
    ),
)
