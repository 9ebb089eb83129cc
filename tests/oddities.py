"""A specification that goes wrong in every way that a report has to tell, with names that a format might trip over."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from sagacheck import Axis, Design, Domain, InputError, Option, Specification, Structure
from sagacheck.language import (
    OPTIONAL_ELEMENT,
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


class Phase(enum.Enum):
    """How far a job is."""

    IDLE = "not begun"
    BUSY = "in the middle of it"
    DONE = "done"


class State(StateBase):
    """Jobs, a ledger, a lamp."""

    ending: str
    phase: PerElement[Phase] = per_element(Phase, Phase.IDLE, group="memory", doc="how far each job is")
    turn: Element | None = scalar(OPTIONAL_ELEMENT, None, group="memory", doc="whose turn it is")
    noted: PerElement[bool] = per_element(bool, False, group="ledger", doc="whether the end of the job is noted")
    count: int = scalar(range(3, 7), 3, group="ledger", doc="three more than jobs noted")
    lamp: bool = scalar(bool, False, group="world", doc="whether the lamp is on")


@action("worker")
def begin(s: State, n: Element) -> None:
    """{n} begins; {unknown} stays."""
    require(s.phase[n] == Phase.IDLE and s.turn is None)
    s.phase[n] = Phase.BUSY
    s.turn = n


@action("worker")
def note(s: State, n: Element) -> None:
    """{n} is noted: done.

    The rest of this is no part of a trace.
    """
    require(s.phase[n] == Phase.BUSY)
    s.phase[n] = Phase.DONE
    s.noted[n] = True
    s.count = s.count + 1
    s.turn = None


@action("clock")
def switch(s: State) -> None:
    """The lamp is switched."""
    require(s.ending == "round" and all(s.phase[n] == Phase.DONE for n in elements()))
    s.lamp = not s.lamp


@action("clock", finitely=True)
def reset(s: State) -> None:
    """Everything is forgotten."""
    require(s.count == 6)
    for n in elements():
        s.phase[n] = Phase.IDLE
        s.noted[n] = False
    s.count = 3


@action("clock")
def strike(s: State) -> None:
    """The clock strikes, which it never does."""
    require(s.lamp and any(s.phase[n] == Phase.IDLE for n in elements()))
    s.lamp = False


@always(
    because="reports tell it", source="made up", wrong="{n} is {phase}, turn {turn}, noted {noted}, {count}, {else}"
)
def NeverNoted(s: State, n: Element) -> bool:  # noqa: N802
    """No job is noted."""
    return not s.noted[n]


@always(because="reports tell it", source="made up", wrong="it holds nowhere; the lamp on: {lamp}")
def Nowhere(s: State) -> bool:  # noqa: N802
    """The lamp is on at the start."""
    return s.lamp


@sometimes(because="vacuous models are told", source="made up")
def Overflown(s: State) -> bool:  # noqa: N802
    """A job is noted that is not done."""
    return any(s.noted[n] and s.phase[n] != Phase.DONE for n in elements())


@sometimes(because="told apart", source="made up", excluded=lambda p: "" if p.ending == "round" else "ending=still")
def LampOn(s: State) -> bool:  # noqa: N802
    """The lamp is on."""
    return s.lamp


@eventually(because="what never comes is told", source="made up", wrong="nothing is ever idle again")
def Restarted(s: State) -> bool:  # noqa: N802
    """The ledger is at its limit, and the lamp is on."""
    return s.count == 6 and s.lamp and any(s.phase[n] == Phase.IDLE for n in elements())


def _specify(settings: Mapping[str, str], environment: Mapping[str, str]) -> Specification:
    if environment["odd-option"] not in ("yes", "no"):
        raise InputError(f"--odd-option {environment['odd-option']}: give yes or no")
    return build(
        name="oddities",
        doc="Jobs that go wrong.",
        state=State,
        actions=[begin, note, switch, reset, strike],
        properties=[NeverNoted, Nowhere, Overflown, LampOn, Restarted],
        parameters={"ending": settings["ending"]},
        element_name="job",
        groups=("memory", "ledger", "world"),
    )


def _jobs(text: str, environment: Mapping[str, str]) -> Structure:  # noqa: ARG001
    labels = tuple(text.split(","))
    if len(set(labels)) != len(labels) or "" in labels:
        raise InputError(f"--jobs {text}: give different names with commas between them")
    return Structure(text, labels)


domain = Domain(
    name="oddities",
    doc="Jobs that go wrong [not markup].",
    element="job",
    axes=(Axis("ending", ("still", "round"), "what happens when all jobs are done"),),
    designs=(Design("odd", {"ending": "still"}, "It stops."),),
    default="odd",
    structure=Option("jobs", "A,B", "a;b,#end:", "the jobs"),
    table_structure="a,b",
    environment=(Option("odd-option", "yes|no", "yes", "an option [in brackets]"),),
    load=_jobs,
    specify=_specify,
    listing=lambda: (("name", "about"), ("[one]", "a job"), ("two", "another")),
    listing_name="joblist",
)
