"""Verdicts, traces and the result of a check: values that readers make and reports show.

A verdict is one of four, and nothing is rounded up: what was not decided is *undetermined*, with the limit that ended
it; what the chosen design or environment rules out is *not checked*, with the reason.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from sagacheck._ground import GroundSpecification, Step
from sagacheck._specification import Property

__all__ = ["Coverage", "Exploration", "Outcome", "Result", "Trace", "Verdict"]


class Verdict(enum.Enum):
    """What is known of a property."""

    HOLDS = "holds"
    VIOLATED = "violated"
    UNDETERMINED = "undetermined"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, eq=False)
class Trace:
    """A behaviour: `states[0]` is initial, `steps[i]` leads from `states[i]` to `states[i + 1]`.

    Attributes:
        loop: for a behaviour without end, the index of the state that the last step, or stuttering, returns to.
    """

    ground: GroundSpecification
    states: tuple[int, ...]
    steps: tuple[Step, ...]
    loop: int | None = None


@dataclass(frozen=True)
class Outcome:
    """The verdict on one property.

    Attributes:
        trace: the shortest counterexample (or, of a *sometimes* that holds, the shortest witness); None if there is
        none. element: the element for which the property fails in the trace's last state. reason: why it is
        undetermined or not checked, or how a property is violated that has no trace.
    """

    property: Property
    verdict: Verdict
    trace: Trace | None = None
    element: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class Coverage:
    """How often an action was possible (over all states and elements), and how often it led to a new state."""

    enabled: int
    new: int


@dataclass(frozen=True)
class Exploration:
    """How far a search went: counts, sizes and times.

    Attributes:
        states: distinct states found. steps: steps taken. depth: steps on the longest shortest path.
        seconds: wall-clock. peak_memory: bytes, of the whole process. state_bytes: bytes per distinct state.
        complete: whether every reachable state was found.
        stopped: why not, in words; empty where complete or where everything asked for was decided.
        coverage: action name -> coverage.
    """

    states: int
    steps: int
    depth: int
    seconds: float
    peak_memory: int
    state_bytes: int
    complete: bool
    stopped: str
    coverage: Mapping[str, Coverage] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """What a check found."""

    ground: GroundSpecification
    outcomes: tuple[Outcome, ...]
    exploration: Exploration

    def of(self, name: str) -> Outcome:
        """The outcome of the property of that name. Raises KeyError when it was not asked for."""
        for outcome in self.outcomes:
            if outcome.property.name == name:
                return outcome
        raise KeyError(name)

    @property
    def verdict(self) -> Verdict:
        """Of all properties together: violated, else undetermined, else holds; not checked where none was checked."""
        found = {o.verdict for o in self.outcomes}
        for verdict in (Verdict.VIOLATED, Verdict.UNDETERMINED, Verdict.HOLDS):
            if verdict in found:
                return verdict
        return Verdict.NOT_CHECKED

    @property
    def exit_code(self) -> int:
        """0 all hold, 1 one is violated, 3 one is undetermined; 3 also where nothing was checked."""
        return {Verdict.HOLDS: 0, Verdict.VIOLATED: 1}.get(self.verdict, 3)
