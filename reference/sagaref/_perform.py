"""One run of a node: the action or undo action itself, and what its end means.

Whatever an action does (raise, hang and be cancelled, cancel itself, return no JSON), its run ends in an outcome.
An action runs in a task of its own, so that whatever is done to that task, by whomever, ends that run and nothing else.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from sagaref._actions import Action, ActionRegistry
from sagaref._cause import Cause
from sagaref._context import ActionContext
from sagaref._dag import Dag, Kind
from sagaref._faults import ERROR, REPEAT, UNDO_ERROR, UNDO_REPEAT, Faults
from sagaref._json import to_text
from sagaref._recorder import Outcome

__all__ = ["Performer"]

_NOTHING = "null"


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
        self._running: dict[int, asyncio.Task[Outcome]] = {}
        self._cancelled: set[int] = set()

    def cancel(self, n: int) -> bool:
        """Cancel the action or undo action of n that runs now; whether there is one."""
        if n not in self._running or not self._running[n].cancel():
            return False
        self._cancelled.add(n)
        return True

    async def do(self, n: int) -> Outcome:
        """Run the action of n."""
        node = self._dag.nodes[n]
        if node.kind is not Kind.ACTION:
            return Outcome(True, self._trivial_output(n))
        if self._faults.fires(ERROR, n):
            return _failed(Cause("InjectedError", "an error was injected into this action"))
        return await self._run(n, self._registry.get(node.action), undo=False)

    async def undo(self, n: int) -> Outcome:
        """Run the undo action of n; one that there is none of does nothing and succeeds."""
        node = self._dag.nodes[n]
        action = self._registry.get(node.action) if node.kind is Kind.ACTION else None
        if action is None or action.undo is None:
            return Outcome(True, _NOTHING)
        if self._faults.fires(UNDO_ERROR, n):
            return _failed(Cause("InjectedError", "an error was injected into this undo action"))
        return await self._run(n, action, undo=True)

    def _trivial_output(self, n: int) -> str:
        dag, node = self._dag, self._dag.nodes[n]
        if node.kind is Kind.CONSTANT:
            return json.dumps(node.value)
        if node.kind is Kind.SUBSAGA_START:
            return self._outputs[dag.find(n, node.params_from)]
        if node.kind is Kind.START:
            return _NOTHING
        return self._outputs[dag.parents[n][0]]  # of the end of a saga or subsaga: the output of its last node

    async def _run(self, n: int, action: Action, *, undo: bool) -> Outcome:
        """Run an action or undo action to its end, also while this is being cancelled: it may clean up then."""
        task = asyncio.create_task(self._outcome(n, action, undo), name=f"{self._saga_id}/{n}")
        self._running[n] = task
        stopped: asyncio.CancelledError | None = None
        try:
            while not task.done():
                try:
                    await asyncio.wait([task])
                except asyncio.CancelledError as error:
                    stopped = error
                    task.cancel()
        finally:
            del self._running[n]
            by_user = n in self._cancelled
            self._cancelled.discard(n)
        if stopped is not None:  # the saga is, and how the run ended is lost, as in a crash
            raise stopped
        if not task.cancelled():
            return task.result()
        if by_user:
            return _failed(Cause("Cancelled", "the run was cancelled"))
        return _failed(Cause("CancelledError", "the run was cancelled, but not by `Saga.cancel`"))

    async def _outcome(self, n: int, action: Action, undo: bool) -> Outcome:
        try:
            output, repeat = await self._once(n, action, undo), UNDO_REPEAT if undo else REPEAT
            for _ in range(1, self._faults.count(repeat, n)):
                self._faults.fires(repeat, n)
                output = await self._once(n, action, undo)
            return Outcome(True, output)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # SystemExit, raised by an action, ends that action only
            return _raised(error)

    async def _once(self, n: int, action: Action, undo: bool) -> str:
        context = ActionContext(self._saga_id, self._dag, n, action, self._outputs, self._resources)
        limit = asyncio.timeout(action.timeout)
        try:
            async with limit:
                if action.undo is not None and undo:
                    await action.undo(context)
                    return _NOTHING
                return to_text(await action.do(context))
        except TimeoutError:
            if limit.expired():
                raise TimeoutError(f"the run was cancelled after {action.timeout} s") from None
            raise


def _raised(error: BaseException) -> Outcome:
    """The failure that an exception is, whatever it does when it is looked at."""
    try:
        return _failed(Cause.of(error))
    except BaseException:
        return _failed(Cause("unknown", "an exception that cannot be shown"))


def _failed(cause: Cause) -> Outcome:
    return Outcome(False, cause.text)
