"""Check properties of a specification on a structure: the facade over search, liveness and verdicts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from sagacheck._errors import InputError
from sagacheck._explore import Limits, Search
from sagacheck._expr import TRUE
from sagacheck._ground import GroundSpecification
from sagacheck._liveness import OutOfLimitsError, find_lasso
from sagacheck._specification import Kind, Property, Specification
from sagacheck._structure import Structure
from sagacheck._verdict import Outcome, Result, Trace, Verdict

__all__ = ["DEADLOCK", "check", "select_properties"]

DEADLOCK = Property(
    name="NoDeadlock",
    kind=Kind.ALWAYS,
    params=(),
    body=TRUE,
    doc="Where the specification does not let a behaviour end, some fair step is possible.",
    because="A design that can come to a halt half-way violates nothing that a single state shows.",
    source="built in; TLC checks the same unless told not to",
    wrong="nothing that has to happen can happen any more, and this is no legal end",
    place=(__file__, 0),
)


def select_properties(specification: Specification, names: Iterable[str]) -> tuple[Property, ...]:
    """The properties of those names, in the order of the specification; all of them for no names.

    Raises:
        InputError: there is no property of that name.
    """
    known = {p.name: p for p in (*specification.properties, DEADLOCK)}
    wanted = list(names)
    for name in wanted:
        if name not in known:
            raise InputError(f"there is no property {name!r}; there are {', '.join(known)}")
    return tuple(p for n, p in known.items() if not wanted or n in wanted)


def check(
    specification: Specification,
    structure: Structure,
    *,
    properties: Sequence[str] = (),
    limits: Limits | None = None,
    first: bool = False,
    progress: Callable[[int, int, int], None] | None = None,
) -> Result:
    """Decide properties of a specification on a structure.

    Args:
        properties: names; all for none.
        limits: when to give up; what is not decided by then is undetermined.
        first: stop at the first violation.
        progress: called now and then with (states, states still to be expanded, depth).

    Raises:
        InputError: an unknown property, or a structure that does not fit.
    """
    began = time.monotonic()
    asked = select_properties(specification, properties)
    ground = GroundSpecification(specification, structure)
    reasons = {p.name: excluded_by(p, structure, specification.element) for p in asked}
    live = [p for p in asked if not reasons[p.name]]
    reachable = [p for p in live if p.kind is not Kind.EVENTUALLY and p is not DEADLOCK]
    lasting = [p for p in live if p.kind is Kind.EVENTUALLY]
    deadlock = DEADLOCK if DEADLOCK in live else None
    search = Search(ground, reachable, limits or Limits(), deadlock, bool(lasting), first, progress, began)
    search.run()
    lassos: dict[str, Trace | None] = {}
    if search.complete:
        try:
            for p in lasting:
                lassos[p.name] = find_lasso(search, p)
                if first and lassos[p.name] is not None:
                    break
        except OutOfLimitsError:
            pass  # search.stopped says which; what has no lasso by now is undetermined
        except KeyboardInterrupt:
            search.stopped = "interrupted"
    outcomes = tuple(
        Outcome(p, Verdict.NOT_CHECKED, reason=reasons[p.name]) if reasons[p.name] else _outcome(search, p, lassos)
        for p in asked
    )
    return Result(ground, outcomes, search.exploration())


def excluded_by(p: Property, structure: Structure, element: str) -> str:
    """Why the property is not checked on this structure ("excluded by ..."), or ""."""
    if p.excluded:
        return f"excluded by {p.excluded}"
    for need in p.needs:
        if need not in structure.predicates:
            raise InputError(f"the structure {structure.name} has no predicate `{need}`, which {p.name} needs")
    missing = next((need for need in p.needs if not any(structure.predicates[need])), None)
    return f"excluded by {structure.name} in this environment: no {element} is `{missing}`" if missing else ""


def _outcome(search: Search, p: Property, lassos: dict[str, Trace | None]) -> Outcome:
    reached = search.found.get(p.name)
    if reached is not None:
        number, element = reached
        verdict = Verdict.HOLDS if p.kind is Kind.SOMETIMES else Verdict.VIOLATED
        return Outcome(p, verdict, search.trace(number), element)
    if p.kind is Kind.EVENTUALLY and p.name in lassos:
        lasso = lassos[p.name]
        return Outcome(p, Verdict.HOLDS if lasso is None else Verdict.VIOLATED, lasso)
    if not search.complete or p.kind is Kind.EVENTUALLY:
        return Outcome(p, Verdict.UNDETERMINED, reason=search.stopped or "the search ended at the first violation")
    if p.kind is Kind.SOMETIMES:
        return Outcome(p, Verdict.VIOLATED, reason="no reachable state is like that: the model is vacuous there")
    return Outcome(p, Verdict.HOLDS)
