"""For each requirement that can be seen from outside, a mutant of the reference executor that it kills first.

Some are designs of the space (`mutants`); the others break one rule that no axis is about. `KILLS` has them by the
requirement; those of `NOT_SEEN` nobody can see from outside, and says which mutant the requirements that stand for them
kill.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mutants import (
    CompletionMemoryFirstAdapter,
    IntentAfterAdapter,
    LockAcrossIoAdapter,
    MutantAdapter,
    SplitAdapter,
    StartDurableFirstAdapter,
    StrictAdapter,
    TryLockAdapter,
)
from sagaref._adapter import Adapter
from sagaref._execution import Execution
from sagaref._log import Load, LogEntry
from sagaref._memory import Memory, Phase
from sagaref._perform import Performer
from sagaref._recorder import Outcome, Recorder, Start

__all__ = ["KILLS", "NOT_SEEN"]


class AnyParent(Memory):
    """A node may run as soon as one of its parents has an output."""

    def done(self, n: int, output: str) -> None:
        super().done(n, output)
        if self.phase is Phase.RUNNING:
            for c in self.dag.children[n]:
                if c not in self.node_outputs and c not in self.node_tasks:
                    self.queue_todo[c] = None


class AnyChild(Memory):
    """A node may be undone as soon as one of its children counts as undone."""

    def undone(self, n: int, how: Any) -> None:
        super().undone(n, how)
        for p in self.dag.parents[n]:
            if p in self.node_outputs and p not in self.nodes_undone and p not in self.node_tasks:
                self.queue_undo[p] = None


class TwicePerformer(Performer):
    """Runs every action again when it has ended, to be sure."""

    async def do(self, n: int) -> Outcome:
        await super().do(n)
        return await super().do(n)


class BothEnds(Recorder):
    """Writes a failure after every success."""

    async def write_completion(self, start: Start, outcome: Outcome) -> None:
        await super().write_completion(start, outcome)
        if outcome.ok:
            await self.log.append(LogEntry(start.node, start.job.failure, outcome.data))


class GivesUp(Memory):
    """Rests at the first failure, with everything standing."""

    def failed(self, n: int, cause: str) -> bool:
        self.node_errors[n] = cause
        self.phase = Phase.DONE
        return False


class GivesUpAdapter(MutantAdapter):
    """The executor that rests at the first failure, and has no result then."""

    memory = GivesUp

    def __init__(self) -> None:
        super().__init__()

        class WithoutResult(self.execution_class):  # type: ignore[misc, name-defined]
            def result(self) -> None:
                return None

        self.execution_class = WithoutResult  # type: ignore[misc]


class UndoesNothing(Performer):
    """Says that it has undone what it has not."""

    async def undo(self, n: int) -> Outcome:  # noqa: ARG002
        return Outcome(True, "null")


class DoesNotStop(Memory):
    """Goes on unwinding after an undo action has failed."""

    def get_stuck(self, n: int, otherwise: Any) -> None:
        super().get_stuck(n, otherwise)
        self.stopping = False


class ForgetsChildren(Memory):
    """Never starts what comes after a node."""

    def done(self, n: int, output: str) -> None:
        super().done(n, output)
        self.queue_todo.clear()


class ForgetsTheRest(Execution):
    """A process that takes a saga up finishes what was running, and does not begin what comes after it."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        fresh = [n for n in self.memory.queue_todo if self.memory.log_copy[n] is Load.NEVER_STARTED]
        for n in fresh if Load.SUCCEEDED in self.memory.log_copy else ():
            del self.memory.queue_todo[n]


class WritesNoUnwinding(Recorder):
    """Does not write the cached state when the unwinding begins."""

    async def unwinding(self) -> None:
        pass


def with_memory(memory_class: type[Memory]) -> type[MutantAdapter]:
    """The adapter of an executor with this memory."""
    return type(memory_class.__name__, (MutantAdapter,), {"memory": memory_class, "__doc__": memory_class.__doc__})


def with_recorder(recorder_class: type[Recorder]) -> type[MutantAdapter]:
    """The adapter of an executor with this recorder."""
    return type(
        recorder_class.__name__, (MutantAdapter,), {"recorder": recorder_class, "__doc__": recorder_class.__doc__}
    )


def with_performer(performer_class: type[Performer]) -> type[Adapter]:
    """The adapter of an executor that performs its actions like this."""

    class Changed(Execution):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            self.performer.__class__ = performer_class

    return type(performer_class.__name__, (Adapter,), {"execution_class": Changed, "__doc__": performer_class.__doc__})


class ForgetsTheRestAdapter(Adapter):
    """The executor that does not begin what comes after."""

    execution_class = ForgetsTheRest


KILLS: Mapping[str, type[Adapter]] = {
    "StartMemoryFirst": StartDurableFirstAdapter,
    "CompletionDurableFirst": CompletionMemoryFirstAdapter,
    "WriteAheadIntent": IntentAfterAdapter,
    "NoTornState": SplitAdapter,
    "NoPanic": TryLockAdapter,
    "DependencyOrder": with_memory(AnyParent),
    "UndoOrder": with_memory(AnyChild),
    "AtMostOnce": with_performer(TwicePerformer),
    "LegalLog": with_recorder(BothEnds),
    "Recoverable": StrictAdapter,
    "StatusAvailable": LockAcrossIoAdapter,
    "Atomicity": GivesUpAdapter,
    "EffectsFollowLog": with_performer(UndoesNothing),
    "DirectionAgrees": with_memory(DoesNotStop),
    "Termination": with_memory(ForgetsChildren),
    "ResumeProgress": ForgetsTheRestAdapter,
    "Refinement": with_recorder(WritesNoUnwinding),
}
NOT_SEEN: Mapping[str, type[Adapter]] = {"SingleWriter": SplitAdapter, "Bookkeeping": KILLS["AtMostOnce"]}
