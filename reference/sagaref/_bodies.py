"""Actions for an implementation under test: they take and remove effects, succeed and fail only when told to.

The effects are the world: they outlive a crash. What an action may do is the contract of the specification: one that
fails leaves no effect, also none of an interrupted earlier run; a failed undo leaves the effect standing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from sagaref._actions import ActionRegistry
from sagaref._dag import Dag, Kind
from sagaref._errors import ActionFailed

__all__ = ["Bodies"]


class Bodies:
    """The actions of a saga whose nodes each have an action of their own, named by the index.

    Args:
        dag: the saga.
        predicates: has_undo, may_fail, may_fail_undo: for each node whether.
        contract: whether an action that fails leaves no effect.

    Attributes:
        effects: the nodes whose effect stands.
        running: (node, whether it is its undo action) of everything that waits to be told what to do.
        runs: (node, whether it is its undo action) -> how often it has run since the last crash; a run whose completion
            was durable then counts.
    """

    def __init__(self, dag: Dag, predicates: Mapping[str, Sequence[bool]], *, contract: bool) -> None:
        self._dag = dag
        self._has_undo = predicates["has_undo"]
        self._may_fail = predicates["may_fail"]
        self._may_fail_undo = predicates["may_fail_undo"]
        self._contract = contract
        self.effects: set[int] = set()
        actions = [n for n, node in enumerate(dag.nodes) if node.kind is Kind.ACTION]
        self.runs = {(n, False): 0 for n in actions} | {(n, True): 0 for n in actions if self._has_undo[n]}
        self.running: dict[tuple[int, bool], asyncio.Future[bool]] = {}

    def registry(self) -> ActionRegistry:
        """The actions, registered."""
        registry = ActionRegistry()
        for n, node in enumerate(self._dag.nodes):
            if node.kind is Kind.ACTION:
                registry.register(node.action, self._do, self._undo if self._has_undo[n] else None)
        return registry

    async def _do(self, context: Any) -> str:
        await self._told(context.node, False)
        return f"output of {context.label}"

    async def _undo(self, context: Any) -> None:
        await self._told(context.node, True)

    async def _told(self, n: int, undo: bool) -> None:
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.running[n, undo] = future
        self.runs[n, undo] += 1
        try:
            if not await future:
                raise ActionFailed("told to fail")
        finally:
            del self.running[n, undo]

    def forget_runs(self, log: Sequence[str]) -> None:
        """The process has died, with this durable log."""
        for n, undo in self.runs:
            begun = ("NEVER_STARTED", "STARTED")
            completed = log[n] in ("UNDO_FINISHED", "UNDO_FAILED") if undo else log[n] not in begun
            self.runs[n, undo] = int(completed)

    def offers(self) -> set[tuple[str, int | None]]:
        """The steps that actions can take now."""
        found: set[tuple[str, int | None]] = set()
        for n, undo in self.running:
            stands = n in self.effects
            if undo:
                found.add(("remove_effect" if stands else "succeed_undo", n))
                if stands and self._may_fail_undo[n]:
                    found.add(("fail_undo", n))
            else:
                found.add(("take_effect" if self._has_undo[n] and not stands else "succeed", n))
                if self._may_fail[n]:
                    found.add(("fail", n))
        return found

    def take(self, step: str, n: int) -> bool:
        """Take one of the steps on offer; whether it ends the run."""
        if step == "take_effect":
            self.effects.add(n)
        elif step == "remove_effect":
            self.effects.discard(n)
        else:
            if step == "fail" and self._contract:
                self.effects.discard(n)
            self.running[n, step.endswith("undo")].set_result(step.startswith("succeed"))
            return True
        return False
