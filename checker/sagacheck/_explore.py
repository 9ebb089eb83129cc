"""The plain explorer: breadth first over all reachable states, shortest counterexample always, the same one every time.

States are found level by level; within a level in the order of the paths that lead to them, where steps are ordered by
action as the specification lists them, then by element. So the first state found that violates a property ends the
shortest counterexample, and among the shortest the first in that order, under any hash seed.
"""

from __future__ import annotations

import resource
import sys
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sagacheck._engine import ClaimTable, Predicate, Successors
from sagacheck._ground import GroundSpecification
from sagacheck._specification import Kind, Property
from sagacheck._verdict import Coverage, Exploration, Trace

__all__ = ["INTERRUPTED", "Limits", "Search"]

INTERRUPTED = "interrupted"  # why a search ended that Ctrl-C ended

_ROUND = 64  # states between two looks at the clock
_QUIET = 0.1  # seconds between two reports of progress


@dataclass(frozen=True)
class Limits:
    """When to give up: None is never.

    Attributes:
        states: distinct states. seconds: wall-clock. memory: bytes of the whole process.
    """

    states: int | None = None
    seconds: float | None = None
    memory: int | None = None


def peak_memory() -> int:
    """The largest size that this process has had, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def memory_now() -> int:
    """The size of this process now, in bytes; its largest size where the system does not tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123  (read often)
            return int(statm.read().split()[1]) * resource.getpagesize()
    except OSError:
        return peak_memory()


@dataclass(eq=False)
class Search:
    """One search of a ground specification.

    Attributes given:
        ground: what to search.
        properties: what to decide on the way (ALWAYS and SOMETIMES); excluded ones are not given.
        limits: when to give up.
        deadlock: the property that a state without a fair step and without a legal end violates, if it is asked for.
        to_the_end: go on when all of these are decided, and keep every step, because something else needs them all.
        first: stop at the first violation.
        progress: called now and then with (states, states still to be expanded, depth).
        since: when the work began, by time.monotonic(); now, when None.

    Attributes made:
        states: the distinct states, by number, in the order in which they were found; ids: state -> number.
        found: property name -> (number of the first state that decides it, element).
        edge_start, edge_step, edge_target: with `to_the_end`, the steps from state i are those at edge_start[i] up to
            edge_start[i + 1].
        complete: every reachable state has been found and expanded.
        stopped: why the search ended early, in words.
    """

    ground: GroundSpecification
    properties: Sequence[Property]
    limits: Limits = field(default_factory=Limits)
    deadlock: Property | None = None
    to_the_end: bool = False
    first: bool = False
    progress: Callable[[int, int, int], None] | None = None
    since: float | None = None

    def __post_init__(self) -> None:
        self.successors = Successors(self.ground)
        self.states: list[int] = []
        self.ids: dict[int, int] = {}
        self.parents = array("q")
        self.by_step = array("l")
        self.levels: list[int] = [0]
        self.found: dict[str, tuple[int, int | None]] = {}
        self.edge_start = array("q", [0])
        self.edge_step = array("l")
        self.edge_target = array("q")
        self.complete = False
        self.stopped = ""
        self._undecided = list(self.properties)
        self._violated = 0
        self._taken = [0] * len(self.ground.steps)
        self._new = [0] * len(self.ground.steps)
        self._fair = [s.action.fair for s in self.ground.steps]
        if not any(self._fair):
            self._fair = [True] * len(self.ground.steps)
        self._rest = Predicate(self.ground.value(self.ground.specification.rest, {}))
        self._start_memory = peak_memory()
        self._start = self.since if self.since is not None else time.monotonic()
        self._next_report = 0.0
        self._seconds = 0.0
        self._prepare()

    def _prepare(self) -> None:
        """The tables for what is still undecided."""
        claims = [c for p in self._undecided for c in self.ground.claims(p)]
        self._bad = ClaimTable(self.ground, [c for c in claims if c.property.kind is Kind.ALWAYS], negated=True)
        self._seen = ClaimTable(self.ground, [c for c in claims if c.property.kind is Kind.SOMETIMES], negated=False)

    @property
    def decided(self) -> bool:
        """Whether nothing is left to search for."""
        if self.first and self._violated:
            return True
        waiting = self._undecided or (self.deadlock is not None and self.deadlock.name not in self.found)
        return not waiting and not self.to_the_end

    def run(self) -> None:
        """Search until everything is found or decided, a limit is reached, or the user interrupts."""
        try:
            self._run()
        except KeyboardInterrupt:
            self.stopped = INTERRUPTED
        self._seconds = time.monotonic() - self._start

    def _run(self) -> None:
        states, ids, taken, keep = self.states, self.ids, self._taken, self.to_the_end
        enabled, after = self.successors.enabled, self.successors.after
        self._add(self.ground.initial, -1, -1)
        most = self.limits.states if self.limits.states is not None else sys.maxsize
        at = 0
        level_end = 1
        while at < len(states):
            if self.decided:
                return
            if (len(states) > most or at % _ROUND == 0) and self._give_up(at):
                return
            if at == level_end:
                self.levels.append(at)
                level_end = len(states)
            state = states[at]
            possible = enabled(state)
            for step in possible:
                taken[step] += 1
                target = after(step, state)
                if target not in ids:
                    self._new[step] += 1
                    self._add(target, at, step)
                if keep:
                    self.edge_step.append(step)
                    self.edge_target.append(ids[target])
            self.edge_start.append(len(self.edge_step))
            self._check_deadlock(state, at, possible)
            at += 1
        self.complete = True

    def _add(self, state: int, parent: int, step: int) -> None:
        number = self.ids[state] = len(self.states)
        self.states.append(state)
        self.parents.append(parent)
        self.by_step.append(step)
        if not self._undecided:
            return
        decided = [*self._bad(state), *self._seen(state)]
        if decided:
            for claim in decided:
                if claim.property.name not in self.found:
                    self.found[claim.property.name] = (number, claim.element)
                    self._violated += claim.property.kind is Kind.ALWAYS
            self._undecided = [p for p in self._undecided if p.name not in self.found]
            self._prepare()

    def _check_deadlock(self, state: int, number: int, possible: list[int]) -> None:
        if self.deadlock is None or self.deadlock.name in self.found or any(self._fair[s] for s in possible):
            return
        if not self._rest(state):
            self.found[self.deadlock.name] = (number, None)
            self._violated += 1

    def _give_up(self, at: int) -> bool:
        now = time.monotonic()
        if self.progress is not None and now >= self._next_report:
            self._next_report = now + _QUIET
            self.progress(len(self.states), len(self.states) - at, len(self.levels) - 1)
        return self.out_of_limits()

    def out_of_limits(self) -> bool:
        """Whether a limit is reached; `stopped` says which."""
        limits = self.limits
        seconds = time.monotonic() - self._start
        if limits.states is not None and len(self.states) > limits.states:
            self.stopped = f"--max-states {limits.states} reached"
        elif limits.seconds is not None and seconds >= limits.seconds:
            self.stopped = f"--max-seconds {limits.seconds:g} reached"
        elif limits.memory is not None and memory_now() >= limits.memory:
            self.stopped = f"--max-memory {limits.memory // 2**20}M reached"
        return bool(self.stopped)

    def trace(self, number: int) -> Trace:
        """The shortest trace to the state with that number."""
        path = [number]
        while self.parents[path[-1]] >= 0:
            path.append(self.parents[path[-1]])
        path.reverse()
        steps = tuple(self.ground.steps[self.by_step[n]] for n in path[1:])
        return Trace(self.ground, tuple(self.states[n] for n in path), steps)

    def exploration(self) -> Exploration:
        """How far the search went."""
        coverage: dict[str, Coverage] = {a.name: Coverage(0, 0) for a in self.ground.specification.actions}
        for step, taken, new in zip(self.ground.steps, self._taken, self._new, strict=True):
            before = coverage[step.action.name]
            coverage[step.action.name] = Coverage(before.enabled + taken, before.new + new)
        peak = peak_memory()
        return Exploration(
            states=len(self.states),
            steps=sum(self._taken),
            depth=len(self.levels) - 1,
            seconds=self._seconds,
            peak_memory=peak,
            state_bytes=(peak - self._start_memory) // max(1, len(self.states)),
            complete=self.complete,
            stopped=self.stopped,
            coverage=coverage,
        )
