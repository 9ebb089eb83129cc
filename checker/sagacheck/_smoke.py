"""Judges an adapter itself, before anything is said of its implementation: what it declares, and whether that is so.

Nothing in here says whether the implementation is right. It says whether a test of it could mean anything: whether the
names are those of the specification, whether a run comes to its end, whether the same messages have the same replies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from sagacheck._conform import Examiner, Plan
from sagacheck._domain import Domain
from sagacheck._play import Play
from sagacheck._protocol import PENDING, TAKEN, Conversation, Hello, Offer
from sagacheck._specification import Specification

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["SmokeReport", "smoke"]

_LONGEST = 400  # steps; a run on the smallest structure that takes longer goes round in circles


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: whether it is as it should be (None: worth knowing), and what to do."""

    what: str
    fine: bool | None
    text: str


@dataclass(frozen=True)
class SmokeReport:
    """What was found of an adapter."""

    hello: Hello
    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        """0 a test of the implementation can mean something, 1 mend the adapter first."""
        return 1 if any(f.fine is False for f in self.findings) else 0

    def parts(self) -> Iterator[RenderableType]:
        """The parts of the report, in order."""
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        table.add_column(f"the adapter of {self.hello.implementation}", no_wrap=True)
        table.add_column("")
        table.add_column("", overflow="fold")
        marks = {True: ("fine", "green"), False: ("mend", "bold red"), None: ("note", "yellow")}
        for f in self.findings:
            table.add_row(f.what, Text(*marks[f.fine]), f.text)
        yield table


def smoke(domain: Domain, conversation: Conversation, environment: Mapping[str, str]) -> SmokeReport:
    """Judge an adapter. Raises ImplementationError when it fails or replies what the protocol does not have."""
    conformance = domain.conformance
    assert conformance is not None
    hello = conversation.hello()
    plan = Plan((conformance.smallest,), environment)
    examiner = Examiner(domain, conversation, hello, plan, lambda _doing, _runs: None)
    specifications = [domain.specify(d.settings, environment) for d in (*domain.designs, *domain.deviations())]
    findings = [*_names(domain, hello, specifications), *_runs(examiner, conformance.smallest)]
    return SmokeReport(hello, tuple(findings))


def _names(domain: Domain, hello: Hello, specifications: list[Specification]) -> Iterator[Finding]:
    """Whether what it declares are names of the specification, and what is left out."""
    assert domain.conformance is not None
    steps = {a.name for s in specifications for a in s.actions}
    variables = {v.name for s in specifications for v in s.variables}
    capabilities = {c.name: c for c in domain.conformance.capabilities}
    yield _known("steps", hello.steps | hello.internal, steps)
    yield _known("shows", hello.shows, variables)
    yield _known("capabilities", hello.capabilities, set(capabilities))
    both = hello.steps & hello.internal
    if both:
        yield Finding("internal", None, f"{_few(both)} can be held, and may also happen on their own")
    out = {s for c in capabilities.values() if c.name not in hello.capabilities for s in c.steps}
    own = specifications[0]  # of the default design
    missing = {a.name for a in own.actions} - hello.steps - hello.internal - out
    if missing:
        text = f"{_few(missing)}: in neither list, so they are taken never to happen; if they do, they are internal"
        yield Finding("left out", None, text)
    for name in sorted(set(capabilities) - hello.capabilities):
        yield Finding(name, None, f"not declared: {capabilities[name].doc}; what needs it is not tested")
    for name in sorted(hello.capabilities & set(capabilities)):
        unable = set(capabilities[name].steps) & {a.name for a in own.actions} - hello.steps - hello.internal
        if unable:
            yield Finding(name, False, f"declared, but {_few(unable)} is in neither list")


def _known(what: str, declared: frozenset[str], known: set[str]) -> Finding:
    odd = declared - known
    if odd:
        return Finding(what, False, f"{_few(odd)}: the specification has no such name")
    return Finding(what, True, f"{len(declared)} declared, all of them names of the specification")


def _few(names: set[str] | frozenset[str]) -> str:
    shown = sorted(names)
    return ", ".join(shown[:6]) + (f" and {len(shown) - 6} more" if len(shown) > 6 else "")


def _runs(examiner: Examiner, structure: str) -> Iterator[Finding]:
    """Whether runs come to their end, twice alike."""
    conformance = examiner.domain.conformance
    assert conformance is not None
    first = examiner.play(examiner.arena(structure))
    if first.unsupported:
        yield Finding("load", False, f"it does not support {structure}: {first.unsupported}")
        return
    yield Finding("load", True, f"{structure} begins, with {_offers(first)} on offer")
    yield from _twice(examiner, structure, "a straight run", "")
    able = examiner.hello.steps - examiner.barred
    for step in conformance.detours:
        if step in able and step not in (conformance.crash, *conformance.demands):
            yield from _twice(examiner, structure, f"with {step}", step)
    if conformance.crash in able:
        yield _crash(examiner, structure)
    for step in conformance.demands:
        if step in able:
            play = examiner.play(examiner.arena(structure))
            outcome = play.take(Offer(step, None))
            yield Finding(step, outcome == TAKEN or None, f"asked for in the beginning, it is {outcome}")


def _offers(play: Play) -> str:
    return ", ".join(map(str, play.offers)) or "nothing"


def _twice(examiner: Examiner, structure: str, name: str, detour: str) -> Iterator[Finding]:
    """Whether a run ends, and the same messages have the same replies."""
    replies = []
    for _ in range(2):
        play = examiner.play(examiner.arena(structure))
        seen = [play.reply]
        outcome = TAKEN
        while len(play.taken) < _LONGEST and (offer := _forward(play, detour)):
            outcome = play.take(offer)
            seen.append(play.reply)
            if outcome not in (TAKEN, PENDING):
                break
        replies.append(seen)
    if detour and all(o.step != detour for o in play.taken):
        yield Finding(name, None, f"{detour} was never on offer")
        return
    if outcome not in (TAKEN, PENDING):
        yield Finding(name, False, f"{offer} is {outcome}, though it was on offer")
    elif not play.taken:
        yield Finding(name, False, "it offers no step at all")
    elif any(a == b for a, b in pairwise(seen)):
        at = next(i for i, (a, b) in enumerate(pairwise(seen)) if a == b)
        yield Finding(name, False, f"after step {at + 1}, {play.taken[at]}, everything is as it was before")
    elif len(play.taken) < _LONGEST:
        yield Finding(name, True, f"{len(play.taken)} steps, to the end; the last was {play.taken[-1]}")
    else:
        yield Finding(name, None, f"it has not ended after {_LONGEST} steps")
    if replies[0] == replies[1]:
        yield Finding("made twice", True, f"{name} has the same replies")
    else:
        at = next((i for i, (a, b) in enumerate(zip(*replies, strict=False)) if a != b), min(map(len, replies)))
        step = f"after step {at}, {play.taken[at - 1]}," if 0 < at <= len(play.taken) else "in the beginning"
        yield Finding("made twice", False, f"{name}: {step} the replies differ, so nothing can be shown again")


def _forward(play: Play, detour: str) -> Offer | None:
    """A step that takes the run on towards its end, or the one detour that is wanted."""
    offers = sorted(play.offers, key=str)
    detours = play.arena.conformance.detours
    wanted = [o for o in offers if o.step == detour] if all(o.step != detour for o in play.taken) else []
    return next(iter(wanted or [o for o in offers if o.step not in detours]), None)


def _crash(examiner: Examiner, structure: str) -> Finding:
    play = examiner.play(examiner.arena(structure))
    for _ in range(3):
        offer = _forward(play, "")
        if offer is not None:
            play.take(offer)
    crash = play.arena.conformance.crash
    outcome = play.take(Offer(crash, None))
    if outcome != TAKEN:
        return Finding(crash, False, f"after three steps, it is {outcome}")
    after = play.take(offer) if (offer := _forward(play, "")) else "not on offer"
    return Finding(crash, after == TAKEN, f"after three steps; then {offer} is {after}, and offers {_offers(play)}")
