"""One run of a node: the action or undo action itself, and what its end means.

Whatever an action does (raise, hang and be cancelled, return what is not JSON), its run ends in an outcome.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from sagaref._actions import Action, ActionRegistry
from sagaref._context import ActionContext
from sagaref._dag import Dag, Kind
from sagaref._errors import ActionFailed
from sagaref._faults import Faults
from sagaref._json import NotJson, to_text
from sagaref._recorder import Outcome

__all__ = ["Performer"]

_NOTHING = Outcome(True, "null")


class Performer:
    """Runs the nodes of one saga.

    Args:
        saga_id, dag: the saga.
        registry: the actions.
        outputs: node -> its output as JSON text; looked at, never changed.
        resources: for the actions, as they are.
        faults: what is to go wrong.
    """

    def __init__(
        self,
        saga_id: str,
        dag: Dag,
        registry: ActionRegistry,
        outputs: Mapping[int, str],
        resources: Any,
        faults: Faults,
    ) -> None:
        self._saga_id = saga_id
        self._dag = dag
        self._registry = registry
        self._outputs = outputs
        self._resources = resources
        self._faults = faults
        self._running: dict[int, asyncio.Task[Any]] = {}
        self._cancelled: set[int] = set()

    def cancel(self, n: int) -> bool:
        """Cancel the action or undo action of n that runs now; whether there is one."""
        task = self._running.get(n)
        if task is None:
            return False
        self._cancelled.add(n)
        task.cancel()
        return True

    async def do(self, n: int) -> Outcome:
        """Run the action of n."""
        node = self._dag.nodes[n]
        if node.kind is not Kind.ACTION:
            return Outcome(True, self._trivial_output(n))
        if self._faults.fires("error", n):
            return _failure("InjectedError", "an error was injected into this action")
        return await self._run(n, undo=False)

    async def undo(self, n: int) -> Outcome:
        """Run the undo action of n; one that there is none of does nothing and succeeds."""
        node = self._dag.nodes[n]
        if node.kind is not Kind.ACTION or self._registry.get(node.action).undo is None:
            return _NOTHING
        if self._faults.fires("undo error", n):
            return _failure("InjectedError", "an error was injected into this undo action")
        return await self._run(n, undo=True)

    def _trivial_output(self, n: int) -> str:
        dag, node = self._dag, self._dag.nodes[n]
        if node.kind is Kind.CONSTANT:
            return json.dumps(node.value)
        if node.kind is Kind.SUBSAGA_START:
            return self._outputs[dag.find(n, node.params_from)]
        if node.kind is Kind.START:
            return "null"
        return self._outputs[dag.parents[n][0]]  # of the end of a saga or subsaga: the output of its last node

    async def _run(self, n: int, *, undo: bool) -> Outcome:
        action = self._registry.get(self._dag.nodes[n].action)
        task = asyncio.current_task()
        assert task is not None
        self._running[n] = task
        limit = asyncio.timeout(action.timeout)
        try:
            async with limit:
                return await self._repeat(action, n, undo)
        except asyncio.CancelledError:
            if n in self._cancelled and task.cancelling() == 1:
                return _failure("Cancelled", "the run was cancelled")
            if task.cancelling():
                raise  # the saga is stopped
            return _failure("CancelledError", "the action was cancelled from within")
        except GeneratorExit:
            raise
        except BaseException as error:  # SystemExit and the like, raised by an action, end that action only
            if limit.expired():
                return _failure("TimeoutError", f"the run was cancelled after {action.timeout} s")
            return _cause(error)
        finally:
            del self._running[n]
            if n in self._cancelled:
                self._cancelled.discard(n)
                task.uncancel()

    async def _repeat(self, action: Action, n: int, undo: bool) -> Outcome:
        outcome = _NOTHING
        for _ in range(self._faults.runs(n, undo=undo)):
            context = ActionContext(self._saga_id, self._dag, n, action, self._outputs, self._resources)
            if undo:
                assert action.undo is not None
                await action.undo(context)
            else:
                outcome = Outcome(True, to_text(await action.do(context)))
        return outcome


def _cause(error: BaseException) -> Outcome:
    detail = error.detail if isinstance(error, ActionFailed) else None
    try:
        message = str(error)
    except Exception:  # noqa: BLE001
        message = "an exception that cannot be shown"
    return _failure(type(error).__name__, message, detail)


def _failure(error: str, message: str, detail: Any = None) -> Outcome:
    """A failed outcome; a detail that is not JSON is left out, and the message says so."""
    try:
        return Outcome(False, to_text({"error": error, "message": message, "detail": detail}))
    except NotJson:
        message = f"{message} (its detail is left out: it is not JSON)"
        return Outcome(False, json.dumps({"error": error, "message": message, "detail": None}))
