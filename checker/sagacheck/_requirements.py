"""Requirements: what an implementation has to satisfy, one for each property, and what is known of each after a test.

A requirement has the name of its property, which does not change. One more, Refinement, is about the whole: whatever
the implementation does the specification allows. What cannot be seen from outside reads *not observable*, never
*passed*, and says which requirements stand for it.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sagacheck._conform import Evidence, Examiner, Suite, capabilities_missing
from sagacheck._conformance import Conformance
from sagacheck._domain import Domain
from sagacheck._errors import InputError
from sagacheck._narration import first_sentence
from sagacheck._play import REFINEMENT, Failure
from sagacheck._specification import Kind, Specification

__all__ = ["Judged", "Judgement", "Requirement", "counted", "exit_code", "judge", "requirements", "select_requirements"]


@dataclass(frozen=True)
class Requirement:
    """What an implementation has to satisfy.

    Attributes:
        name: the property's. claim, because, source: what it demands, why, and where that comes from.
        capabilities: without one of these it says nothing.
        stands_for: the requirements that stand for it where it cannot be seen.
    """

    name: str
    claim: str
    because: str
    source: str
    capabilities: tuple[str, ...] = ()
    stands_for: tuple[str, ...] = ()


class Judgement(enum.Enum):
    """What is known of a requirement."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_REACHED = "not reached"
    NOT_OBSERVABLE = "not observable"
    NOT_SUPPORTED = "not supported"


@dataclass(frozen=True)
class Judged:
    """A requirement, and what is known of it: the failures, the shortest first; why it was not verified."""

    requirement: Requirement
    judgement: Judgement
    failures: tuple[Failure, ...] = ()
    reason: str = ""


def requirements(domain: Domain, specification: Specification) -> tuple[Requirement, ...]:
    """Every requirement: of the *always* properties, of a standstill, and of the whole."""
    conformance = domain.conformance
    assert conformance is not None
    standstill = {conformance.standstill, conformance.after_crash}
    found = [
        Requirement(
            p.name,
            first_sentence(p.doc),
            p.because,
            p.source,
            tuple(c.name for c in conformance.capabilities if p.name in c.properties),
            conformance.stands_for.get(p.name, ()),
        )
        for p in specification.properties
        if p.kind is Kind.ALWAYS or p.name in standstill
    ]
    claim = "Whatever the implementation does the specification allows: some state of it explains all that is seen."
    because = "the properties were checked of the specification, and hold of what refines it"
    return (
        *found,
        Requirement(REFINEMENT, claim, because, "refinement; the conformance relation ioco (Tretmans 1996)"),
    )


def select_requirements(known: Sequence[Requirement], names: Sequence[str]) -> tuple[Requirement, ...]:
    """The requirements of these names; all for none. Raises InputError for a name that there is not."""
    by_name = {r.name: r for r in known}
    for name in names:
        if name not in by_name:
            raise InputError(f"--requirement {name}: there is no such requirement; there are {', '.join(by_name)}")
    return tuple(r for r in known if not names or r.name in names)


def judge(examiner: Examiner, asked: Sequence[Requirement]) -> tuple[Judged, ...]:
    """What is known of each requirement after the suites have run."""
    return tuple(_judged(r, examiner) for r in asked)


def _judged(r: Requirement, examiner: Examiner) -> Judged:
    evidence = examiner.evidence
    missing = [c for c in r.capabilities if c in capabilities_missing(examiner.domain, examiner.hello)]
    if missing:
        return Judged(r, Judgement.NOT_SUPPORTED, reason=f"it does not declare {' and '.join(missing)}")
    failures = sorted((f for f in evidence.failures.values() if f.requirement == r.name), key=lambda f: len(f.steps))
    if failures:
        return Judged(r, Judgement.FAILED, tuple(failures))
    unseen = r.name in _conformance(examiner).unseen
    for what, steps in (("no step", None), *_needed(r, examiner)):
        if not unseen and not (evidence.steps if steps is None else evidence.steps.keys() & steps):
            return Judged(r, Judgement.NOT_REACHED, reason=f"{what} was taken in any run")
    if not _observable(r, examiner):
        verb = "stands" if len(r.stands_for) == 1 else "stand"
        others = f"; {', '.join(r.stands_for)} {verb} for it" if r.stands_for else ""
        return Judged(r, Judgement.NOT_OBSERVABLE, reason=f"what was shown cannot tell{others}")
    tried = evidence.schedules.get(r.name, Counter())
    other_runs = evidence.runs.total() - evidence.runs[Suite.FORBIDDEN]
    if not tried["not led"] and (tried["not reached"] or not other_runs):
        ended = ", ".join(f"{n} {how}" for how, n in sorted(tried.items()))
        return Judged(r, Judgement.NOT_REACHED, reason=f"of its schedules {ended or 'none was made'}")
    exact = [c for c in evidence.coverage if c.exact]
    missed = sum(c.missed.total() + c.left.total() for c in exact)
    if r.name == REFINEMENT and missed:
        every = sum(c.total for c in exact)
        return Judged(r, Judgement.NOT_REACHED, reason=f"{missed} of {every} steps of the graph were not come to")
    return Judged(r, Judgement.PASSED, reason=_grounds(tried, evidence))


def _needed(r: Requirement, examiner: Examiner) -> Iterator[tuple[str, frozenset[str]]]:
    """The steps, in words too, of which one has to be taken for each capability that the requirement is about."""
    for c in _conformance(examiner).capabilities:
        if c.name in r.capabilities and c.steps:
            yield f"none of {', '.join(c.steps[:3])}{' ...' if len(c.steps) > 3 else ''}", frozenset(c.steps)


def _conformance(examiner: Examiner) -> Conformance:
    assert examiner.domain.conformance is not None
    return examiner.domain.conformance


def _observable(r: Requirement, examiner: Examiner) -> bool:
    """Whether a violation could have been seen, in what was shown."""
    conformance = _conformance(examiner)
    if r.name in conformance.unseen:
        return False
    if r.name in (REFINEMENT, conformance.standstill, conformance.after_crash):
        return True
    if any(step in examiner.hello.steps for step, name in conformance.demands.items() if name == r.name):
        return True
    return any(monitor.could_see(r.name) for monitor in examiner.monitors())


def _grounds(tried: Counter[str], evidence: Evidence) -> str:
    runs = counted(evidence.runs.total(), "run")
    if not tried["not led"]:
        return f"in {runs} it was not seen to be violated"
    return f"not led along {counted(tried['not led'], 'schedule')} to a violation; not violated in {runs}"


def counted(count: int, what: str) -> str:
    """So many of something, in words."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def exit_code(judged: Sequence[Judged], *, named: bool) -> int:
    """1 if one failed; else 3 if one was not reached, or one that was asked for by name was not observable; else 0."""
    found = {j.judgement for j in judged}
    if Judgement.FAILED in found:
        return 1
    open_ends = {Judgement.NOT_REACHED} | ({Judgement.NOT_OBSERVABLE} if named else set())
    return 3 if found & open_ends or not found & {Judgement.PASSED, Judgement.NOT_SUPPORTED, *open_ends} else 0
