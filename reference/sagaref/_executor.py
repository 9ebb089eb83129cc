"""The executor: creates sagas in a store, runs several at once, lists them, and resumes them after a crash.

One `Executor` belongs to one event loop. Its sagas share the store, the registered actions and the resources, and
nothing else: one that cannot go on does not touch the others.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeVar

from sagaref._actions import ActionRegistry
from sagaref._breakpoints import Breakpoints
from sagaref._builder import check
from sagaref._dag import Dag
from sagaref._durable import DurableLog, Retry, insist
from sagaref._errors import BuildError, Inconsistent, SagaError, Unrecoverable
from sagaref._execution import Execution
from sagaref._faults import Faults
from sagaref._points import Hook, Point
from sagaref._saga import Saga
from sagaref._status import SagaResult
from sagaref._steno_json import read_dag, write_dag
from sagaref._store import SagaRecord, Store

__all__ = ["Executor", "Resumed"]

_T = TypeVar("_T")


@dataclass(frozen=True)
class Resumed:
    """What `resume_all` came to.

    Attributes:
        sagas: those that run again.
        failed: saga id -> why it could not be resumed; the others do not mind.
    """

    sagas: tuple[Saga, ...]
    failed: dict[str, SagaError]


class Executor:
    """Runs sagas.

    Args:
        store: where they live.
        registry: the actions, by name; a saga that is resumed finds its actions again by these names.
        resources: any object; every action finds it in its context.
        hook: awaited at every injection point of every saga (`sagaref.testing`); None costs nothing.
        retry: how calls of the store that failed transiently are repeated.

    An executor is an async context manager; leaving it closes it.
    """

    execution_class: ClassVar[type[Execution]] = Execution

    def __init__(
        self,
        store: Store,
        registry: ActionRegistry,
        *,
        resources: Any = None,
        hook: Hook | None = None,
        retry: Retry = Retry(),
    ) -> None:
        self._store = store
        self._registry = registry
        self._resources = resources
        self._hook = hook
        self._retry = retry
        self._sagas: dict[str, Saga] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop every saga as a crash would: what runs is cancelled, what is durable stays. The store stays open."""
        await asyncio.gather(*(saga.stop() for saga in tuple(self._sagas.values())))

    # Sagas --------------------------------------------------------------------------------------------------------

    async def create(self, dag: Dag, params: Any = None, *, saga_id: str | None = None) -> Saga:
        """Keep a new saga in the store; it does not run before `start`.

        Args:
            dag: what to run.
            params: its parameters, a JSON value; left out where the DAG has them already.
            saga_id: a printable text that no other saga has; a random UUID if left out.

        Raises:
            BuildError: the DAG is none, or names an action that is not registered, or the parameters are not JSON.
            SagaExists: there is a saga of this id.
            StoreError: the store failed for good.
        """
        if params is not None:
            dag = dag.with_params(params)
        check(dag, self._registry)
        chosen = str(uuid.uuid4()) if saga_id is None else saga_id
        if not (chosen and chosen.isprintable()):
            raise BuildError(f"the id of a saga must be one or more printable characters, not {chosen!r}")
        text = write_dag(dag)
        await self._insist(lambda: self._store.create(chosen, dag.name, text))
        saga = Saga(chosen, dag, self._take)
        self._remember(saga)
        return saga

    async def run(self, dag: Dag, params: Any = None, *, saga_id: str | None = None) -> SagaResult:
        """Create a saga, run it, and wait for its result. Raises as `create` and `Saga.wait` do."""
        saga = await self.create(dag, params, saga_id=saga_id)
        await saga.start()
        return await saga.wait()

    async def resume(self, saga_id: str) -> Saga:
        """Take a saga from whoever had it, rebuild it from its log, and run it; one that runs here is left as it is.

        Raises:
            NoSuchSaga: there is none of this id.
            Unrecoverable: its log, its DAG or the registered actions do not allow it.
            StoreError: the store failed for good.
        """
        saga = self._sagas.get(saga_id)
        if saga is None or saga.ended:
            saga = Saga(saga_id, self._dag(await self.get(saga_id)), self._take)
            self._remember(saga)
        await saga.start()
        return saga

    async def resume_all(self) -> Resumed:
        """Resume every saga that the store does not have as Done; one that cannot be recovered does not stop the others.

        Raises:
            StoreError: the store failed for good while the sagas were listed.
        """
        sagas: list[Saga] = []
        failed: dict[str, SagaError] = {}
        after: str | None = None
        while page := await self.list(after=after, unfinished=True):
            for record in page:
                try:
                    sagas.append(await self.resume(record.saga_id))
                except SagaError as error:
                    failed[record.saga_id] = error
            after = page[-1].saga_id
        return Resumed(tuple(sagas), failed)

    async def get(self, saga_id: str) -> SagaRecord:
        """What the store has of a saga. Raises NoSuchSaga and StoreError."""
        return await self._insist(lambda: self._store.get(saga_id))

    async def list(
        self, *, after: str | None = None, limit: int = 100, unfinished: bool = False
    ) -> tuple[SagaRecord, ...]:
        """A page of sagas by ascending id.

        Args:
            after: the last id of the page before; None for the first page.
            limit: the length of a page.
            unfinished: leave out those that are Done.

        Raises:
            StoreError: the store failed for good.
        """
        return tuple(
            await self._insist(lambda: self._store.list(after=after, limit=limit, unfinished=unfinished))
        )

    # Within -------------------------------------------------------------------------------------------------------

    def _remember(self, saga: Saga) -> None:
        """Keep a saga until it has ended."""


        def forget() -> None:
            if self._sagas.get(saga.saga_id) is saga:
                del self._sagas[saga.saga_id]

        self._sagas[saga.saga_id] = saga
        saga.when_ended(forget)

    def _dag(self, record: SagaRecord) -> Dag:
        try:
            dag = read_dag(record.dag)
            check(dag, self._registry)
        except BuildError as error:
            raise Unrecoverable(record.saga_id, str(error)) from error
        return dag

    async def _take(self, saga_id: str, faults: Faults, breakpoints: Breakpoints) -> Execution:
        """Take ownership of a saga and rebuild it."""
        if self._hook is not None:
            await self._hook(Point("recover", saga_id, None, ""))
        taken = await self._insist(lambda: self._store.take(saga_id))
        log = DurableLog(self._store, saga_id, taken.record.generation, self._retry)
        dag = self._dag(taken.record)
        try:
            return self.execution_class(
                taken, dag, self._registry, self._resources, log, faults, breakpoints, self._hook
            )
        except (ValueError, Inconsistent) as error:
            raise Unrecoverable(saga_id, str(error)) from error

    async def _insist(self, call: Callable[[], Awaitable[_T]]) -> _T:
        return await insist(call, self._retry, lambda _trouble: None)
