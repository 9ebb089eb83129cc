"""What must be reached, sometimes and eventually: that things happen in the model, and that every saga ends.

The *sometimes* properties guard the others against a model in which nothing goes wrong because nothing happens.
"""

from __future__ import annotations

from typing import Any

from sagacheck.language import define, eventually, sometimes
from sagaspec._memory import alive
from sagaspec._properties import at_rest, visible, writing
from sagaspec._state import (
    START,
    Load,
    Node,
    Panic,
    Pc,
    Phase,
    Stage,
    State,
    has_undo,
    is_action,
    nodes,
)

__all__ = ["GOALS", "rest"]

# Sometimes -------------------------------------------------------------------------------------------------------

_VACUOUS = "a model in which this never happens says nothing about it"


def _without_crash(p: Any) -> str:
    return "crashes=0" if p.most_crashes == 0 else ""


@sometimes(because=_VACUOUS, source="this model")
def Success(s: State) -> bool:
    """The saga rests and every node has succeeded."""
    return at_rest(s) and all(s.log[n] == Load.SUCCEEDED for n in nodes())


@sometimes(because=_VACUOUS, source="this model", needs=("may_be_undone",))
def CleanUnwinding(s: State, n: Node) -> bool:
    """The saga rests, the start node is undone, and so is an action."""
    return at_rest(s) and s.log[START] == Load.UNDO_FINISHED and is_action(n) and s.log[n] == Load.UNDO_FINISHED


@sometimes(because=_VACUOUS, source="this model", needs=("may_get_stuck",))
def Stuck(s: State) -> bool:
    """The saga rests, and an undo action has failed."""
    return at_rest(s) and any(s.log[n] == Load.UNDO_FAILED for n in nodes())


@sometimes(because=_VACUOUS, source="this model", needs=("effect_may_be_undone",))
def EffectRemoved(s: State, n: Node) -> bool:
    """An action took effect and was undone: its effect is gone, and the log says so."""
    return has_undo(n) and s.log[n] == Load.UNDO_FINISHED and not s.effect[n]


@define
def may_crash(s: State) -> bool:
    """The process is alive, and may crash once more."""
    return alive(s) and (s.most_crashes < 0 or s.crashes < s.most_crashes)


@sometimes(because=_VACUOUS, source="this model", excluded=_without_crash)
def CrashInAction(s: State, n: Node) -> bool:
    """The process may die in the middle of an action, which runs and has taken its effect."""
    return may_crash(s) and is_action(n) and s.work[n] == Stage.RUN and (s.effect[n] or not has_undo(n))


@sometimes(because=_VACUOUS, source="this model", excluded=_without_crash, needs=("may_be_undone",))
def CrashInUndo(s: State, n: Node) -> bool:
    """The process may die in the middle of an undo action, which runs and has removed the effect."""
    return may_crash(s) and is_action(n) and s.undo_work[n] == Stage.RUN and not s.effect[n]


@sometimes(because=_VACUOUS, source="this model", excluded=_without_crash)
def RecoveryForward(s: State, n: Node) -> bool:
    """A saga was recovered going forward, with an action to be run again."""
    return s.pc == Pc.KICK_OFF and s.phase == Phase.RUNNING and s.queue_todo[n] and s.log_copy[n] == Load.STARTED


@sometimes(because=_VACUOUS, source="this model", excluded=_without_crash, needs=("may_fail",))
def RecoveryUnwinding(s: State, n: Node) -> bool:
    """A saga was recovered unwinding, with an undo action to be run again."""
    return s.pc == Pc.KICK_OFF and s.queue_undo[n] and s.log_copy[n] == Load.UNDO_STARTED


def _status_hangs(p: Any) -> str:
    return "lock-across-io=yes" if p.design.lock_across_io else ""


@sometimes(because=_VACUOUS, source="this model", excluded=_status_hangs)
def StatusDuringWrite(s: State, n: Node) -> bool:
    """A status query can be answered while a durable write is pending."""
    return visible(s) and writing(s, n)


# Eventually ------------------------------------------------------------------------------------------------------


@define
def ended(s: State) -> bool:
    """The saga rests; or a panic or a refused recovery, which other properties name, has ended it."""
    return at_rest(s) or s.panic != Panic.NONE or s.pc == Pc.REFUSED


@define
def crashed(s: State) -> bool:
    """There is no process."""
    return s.pc == Pc.DOWN


@eventually(
    because="a saga that never ends holds on to what it has", source="Sagas, 1987", wrong="the saga never comes to rest"
)
def Termination(s: State) -> bool:
    """Every saga comes to rest: done, unwound or stuck."""
    return ended(s)


@eventually(
    because="recovery is there to finish what was begun",
    source="steno #460 (tests for resuming after a crash)",
    wrong="the recovered saga never comes to rest",
    after=crashed,
    excluded=_without_crash,
)
def ResumeProgress(s: State) -> bool:
    """A saga whose process crashed comes to rest."""
    return ended(s)


@define
def rest(s: State) -> bool:
    """A behaviour may end here; a panic ends it too, since the crash that follows need never come."""
    return ended(s)


GOALS = (
    Success,
    CleanUnwinding,
    Stuck,
    EffectRemoved,
    CrashInAction,
    CrashInUndo,
    RecoveryForward,
    RecoveryUnwinding,
    StatusDuringWrite,
    Termination,
    ResumeProgress,
)
