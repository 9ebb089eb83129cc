"""Proving the `always` properties by the inductive argument: on every structure, or on one.

Every obligation is decided, and a property is proved only if all of them are. On every structure z3 is asked first;
where it does not prove an obligation at once, small structures are tried for a counterexample. Where they have none, z3
is given more time, at first with only those assumptions that proofs on the small structures use: a hint, for fewer
assumptions prove no more. A counterexample is one to the argument: the state before the step need not be reachable.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sagacheck._argument import Answer, Decided, Obligation, Rule, obligations
from sagacheck._every_structure import EveryStructure
from sagacheck._one_structure import OneStructure
from sagacheck._specification import Action, Specification
from sagacheck._structure import Structure
from sagacheck._verdict import Verdict

__all__ = ["Proof", "Watch", "prove"]

Watch = Callable[[int, int, str], None]  # (obligations decided, of how many, the one that is next)


@dataclass(frozen=True)
class Proof:
    """What became of the argument.

    Attributes:
        structure: the one that it is about; None: every structure.
        decided: the obligations in their order, as far as they were decided.
        total: how many obligations there are.
        impossible: the actions that no state of the invariant lets happen, on any structure that was tried; what is
            proved of them is proved because they never happen.
        tried: the structures on which counterexamples and possible actions were looked for.
        stopped: why not all are decided, or "".
    """

    specification: Specification
    structure: Structure | None
    decided: tuple[Decided, ...]
    total: int
    impossible: tuple[Action, ...]
    tried: tuple[Structure, ...]
    seconds: float
    stopped: str = ""

    def having(self, answer: Answer) -> tuple[Decided, ...]:
        """The obligations with this answer."""
        return tuple(d for d in self.decided if d.answer is answer)

    @property
    def inductive(self) -> bool:
        """Whether the invariant and the lemmas are proved."""
        argument = [d for d in self.decided if d.obligation.rule is not Rule.PROPERTY]
        return not self.stopped and all(d.answer is Answer.PROVED for d in argument)

    def verdict(self, d: Decided) -> Verdict:
        """Of the property of an obligation: holds, if it follows from an invariant that is one, else undetermined."""
        return Verdict.HOLDS if self.inductive and d.answer is Answer.PROVED else Verdict.UNDETERMINED

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """Property -> verdict."""
        return {d.obligation.claim.name: self.verdict(d) for d in self.decided if d.obligation.rule is Rule.PROPERTY}

    @property
    def exit_code(self) -> int:
        """0 all properties are proved, 3 else: a failed proof does not show that a property is violated."""
        found = self.verdicts
        return 0 if found and not self.stopped and set(found.values()) == {Verdict.HOLDS} else 3


def prove(
    specification: Specification,
    structure: Structure | None,
    small: Sequence[Structure],
    *,
    properties: Sequence[str] = (),
    seconds: float = 60.0,
    first: bool = False,
    watch: Watch | None = None,
) -> Proof:
    """Decide the obligations of the argument.

    Args:
        structure: decide them on this one; None: on every structure.
        small: structures on which counterexamples are looked for; unused where `structure` is given.
        properties: the `always` properties to show; all, when none is named.
        seconds: for one question to z3; an obligation asks several.
        first: stop at the first obligation that is not proved.
        watch: called before each obligation.

    Raises:
        InputError: the specification has no invariant, a property is not one that an invariant can show, or the
            argument does not speak of a structure.
    """
    start = time.monotonic()
    wanted = obligations(specification, properties)
    tried = tuple(small) if structure is None else (structure,)
    concrete = [OneStructure(specification, s) for s in tried]
    for one in concrete:
        one.refuse_unfit()
    every = EveryStructure(specification) if structure is None else None
    decided: list[Decided] = []
    stopped = ""
    try:
        for o in wanted:
            if watch:
                watch(len(decided), len(wanted), o.name)
            decided.append(_decide(o, every, concrete, seconds))
            if first and decided[-1].answer is not Answer.PROVED:
                stopped = "stopped at the first obligation that is not proved"
                break
        impossible = _impossible(specification, concrete) if not stopped else ()
    except KeyboardInterrupt:
        stopped, impossible = "interrupted", ()
    return Proof(
        specification,
        structure,
        tuple(decided),
        len(wanted),
        impossible,
        tried,
        time.monotonic() - start,
        stopped,
    )


def _decide(o: Obligation, every: EveryStructure | None, concrete: Sequence[OneStructure], seconds: float) -> Decided:
    start = time.monotonic()
    if every is None:
        return concrete[0].decide(o, seconds)
    found = every.decide(o, seconds, attempts=1)
    if found.answer is Answer.PROVED:
        return found
    for one in concrete:
        refuted = one.decide(o, seconds)
        if refuted.answer is Answer.REFUTED:
            return replace(refuted, seconds=time.monotonic() - start)
    names = set().union(*[one.used(o) for one in concrete])
    fewer = replace(o, assumed=tuple(a for a in o.assumed if a.name in names))
    for attempt in (fewer, o):
        found = replace(every.decide(attempt, seconds), obligation=o, seconds=time.monotonic() - start)
        if found.answer is Answer.PROVED:
            break
    return found


def _impossible(specification: Specification, concrete: Sequence[OneStructure]) -> tuple[Action, ...]:
    """The actions that are possible in no state of the invariant, on none of the structures."""
    known = specification.invariant + specification.lemmas
    return tuple(a for a in specification.actions if not any(one.possible(a, known) for one in concrete))
