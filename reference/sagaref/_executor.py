"""The executor: creates sagas in a store, runs several at once, lists them, and resumes them after a crash.

One `Executor` belongs to one event loop. Its sagas share the store, the registered actions and the resources, and
nothing else: one that cannot go on does not touch the others.
"""

from __future__ import annotations

import asyncio
import functools
import uuid
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeVar

from sagaref._actions import ActionRegistry, check_name, is_whole
from sagaref._breakpoints import Breakpoints
from sagaref._builder import check
from sagaref._cause import described
from sagaref._dag import Dag
from sagaref._durable import DurableLog, Retry, insist
from sagaref._errors import BuildError, Inconsistent, SagaError, SagaExists, Unrecoverable
from sagaref._execution import Execution
from sagaref._faults import Faults
from sagaref._log import LogEntry
from sagaref._points import Hook, Point
from sagaref._saga import Saga
from sagaref._status import SagaResult
from sagaref._steno_json import read_dag, write_dag
from sagaref._store import SagaRecord, Store, TakenSaga

__all__ = ["Executor", "Resumed"]

_T = TypeVar("_T")
_RETRY = Retry()


@dataclass(frozen=True)
class Resumed:
    """What `resume_all` came to.

    Attributes:
        sagas: those that run again, by ascending id.
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
        hook: awaited at every injection point of every saga (`_points`); None costs nothing.
        retry: how calls of the store that failed transiently are repeated; the logger `sagaref` is warned of these.

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
        retry: Retry = _RETRY,
    ) -> None:
        self._store = store
        self._registry = registry
        self._resources = resources
        self._hook = hook
        self._retry = retry
        self._closed = False
        self._running: set[Saga] = set()
        self._prepared: set[Saga] = set()  # with faults, breakpoints or a pause, and not ended
        # Every saga that somebody holds, so that one saga is not two objects, and does not run twice.
        self._sagas: weakref.WeakValueDictionary[str, Saga] = weakref.WeakValueDictionary()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop every saga as a crash would: what runs is cancelled, what is durable stays. The store stays open.

        It returns when every action has ended (see `Saga.stop`). Nothing can be created or started then.
        """
        self._closed = True
        self._prepared.clear()
        await asyncio.gather(*(saga.stop("its executor was closed") for saga in self._running))

    @property
    def running(self) -> tuple[Saga, ...]:
        """The sagas that run here now, by ascending id."""
        return tuple(sorted(self._running, key=lambda saga: saga.saga_id))

    # Sagas --------------------------------------------------------------------------------------------------------

    async def create(self, dag: Dag, params: Any = None, *, saga_id: str | None = None) -> Saga:
        """Keep a new saga in the store; it does not run before `start`.

        Args:
            dag: what to run.
            params: its parameters, a JSON value; left out where the DAG has them already.
            saga_id: a printable text that no other saga has; a random UUID if left out.

        Raises:
            BuildError: the DAG is none, or names an action that is not registered, or the parameters are not JSON, or
                the id is not printable.
            SagaExists: there is a saga of this id. (A store cannot tell one of the same DAG that was never started from
                this one, of which it may have heard before; that one is the saga then.)
            StoreError: the store failed for good.
            RuntimeError: the executor is closed.
        """
        if not isinstance(dag, Dag):
            raise BuildError(
                f"a saga is created from a Dag, not from a {type(dag).__name__}; `DagBuilder.build` makes one"
            )
        check(dag, self._registry)
        if params is not None:
            dag = dag.with_params(params)
        chosen = str(uuid.uuid4()) if saga_id is None else saga_id
        check_name(chosen, "the id of a saga")
        text = write_dag(dag)
        self._insist_on_open()
        if chosen in self._sagas:
            raise SagaExists(chosen)
        saga = self._saga(chosen, dag)
        try:
            await self._insist(f"creating saga {chosen}", lambda: self._store.create(chosen, dag.name, text))
        except BaseException:
            self._sagas.pop(chosen, None)
            raise
        return saga

    async def run(self, dag: Dag, params: Any = None, *, saga_id: str | None = None) -> SagaResult:
        """Create a saga, run it, and wait for its result; cancelling this does not stop the saga.

        Raises as `create`, `Saga.start` and `Saga.wait` do.
        """
        saga = await self.create(dag, params, saga_id=saga_id)
        await saga.start()
        return await saga.wait()

    async def find(self, saga_id: str) -> Saga:
        """A saga of the store, to be looked at, held or broken before it is started; one that runs here already is it.

        Raises:
            NoSuchSaga: there is none of this id.
            Unrecoverable: its DAG or the registered actions do not allow it to be resumed.
            StoreError: the store failed for good.
            TypeError: the id is no text.
        """
        _check_text(saga_id, "the id of a saga")
        saga = self._sagas.get(saga_id)
        if saga is not None and not saga.ended:
            return saga
        record = await self.get(saga_id)
        dag = self._dag(record)
        saga = self._sagas.get(saga_id)  # once more: somebody may have been quicker
        return self._saga(saga_id, dag, record) if saga is None or saga.ended else saga

    async def resume(self, saga_id: str) -> Saga:
        """Take a saga from whoever had it, rebuild it from its log, and run it; one that runs here is left as it is.

        Whether it can be rebuilt is tried before it is taken, so one that cannot be stays with whoever has it.

        Raises:
            NoSuchSaga: there is none of this id.
            Unrecoverable: its log, its DAG or the registered actions do not allow it.
            StoreError: the store failed for good.
            RuntimeError: the executor is closed.
            TypeError: the id is no text.
        """
        self._insist_on_open()
        saga = await self.find(saga_id)
        await saga.start()
        return saga

    async def resume_all(self) -> Resumed:
        """Resume every saga that the store does not have as Done, all at once.

        One that cannot be recovered, or whose hook fails, does not stop the others, nor does one for which the store
        fails transiently: they run while that is repeated. It returns when each of them runs or has failed.

        Raises:
            StoreError: the store failed for good while the sagas were listed.
            RuntimeError: the executor is closed.
        """
        self._insist_on_open()
        ids: list[str] = []
        while page := await self.list(after=ids[-1] if ids else None, unfinished=True):
            ids += (record.saga_id for record in page)
        came = await asyncio.gather(*map(self._resumed, ids))
        failed = {saga_id: error for saga_id, error in zip(ids, came, strict=True) if isinstance(error, SagaError)}
        return Resumed(tuple(saga for saga in came if isinstance(saga, Saga)), failed)

    async def _resumed(self, saga_id: str) -> Saga | SagaError:
        try:
            return await self.resume(saga_id)
        except SagaError as error:
            return error
        except Exception as error:  # of a hook
            self._insist_on_open()
            reason = Unrecoverable(saga_id, f"{type(error).__name__}: {described(error)}")
            reason.__cause__ = error
            return reason

    async def get(self, saga_id: str) -> SagaRecord:
        """What the store has of a saga.

        Raises:
            NoSuchSaga: there is none of this id.
            StoreError: the store failed for good.
            TypeError: the id is no text.
        """
        _check_text(saga_id, "the id of a saga")
        return await self._insist(f"reading saga {saga_id}", lambda: self._store.get(saga_id))

    async def log(self, saga_id: str) -> tuple[LogEntry, ...]:
        """The durable log of a saga, in the order in which it was written. Raises as `get` does."""
        _check_text(saga_id, "the id of a saga")
        return await self._insist(f"reading the log of saga {saga_id}", lambda: self._store.log(saga_id))

    async def list(
        self, *, after: str | None = None, limit: int = 100, unfinished: bool = False
    ) -> tuple[SagaRecord, ...]:
        """A page of sagas by ascending id.

        Args:
            after: the last id of the page before; None for the first page.
            limit: the length of a page, 1 or more.
            unfinished: leave out those that are Done.

        Raises:
            StoreError: the store failed for good.
            TypeError: `after` is no text, or `limit` no whole number.
            ValueError: the limit is below 1.
        """
        if after is not None:
            _check_text(after, "`after`")
        if not is_whole(limit):
            raise TypeError(f"`limit` must be a whole number, not a value of type {type(limit).__name__}")
        if limit < 1:
            raise ValueError("`limit` is below 1; a page has 1 saga or more")
        page = functools.partial(self._store.list, after=after, limit=limit, unfinished=unfinished)
        return tuple(await self._insist("listing the sagas", page))

    # Within -------------------------------------------------------------------------------------------------------

    def _saga(self, saga_id: str, dag: Dag, record: SagaRecord | None = None) -> Saga:
        """A saga to be started; `record` is what the store has of one that was not created here just now."""
        take = functools.partial(self._take, saga_id, dag, record)
        saga = self._sagas[saga_id] = Saga(saga_id, dag, self._registry, take, self._running, self._prepared)
        return saga

    def _dag(self, record: SagaRecord) -> Dag:
        try:
            dag = read_dag(record.dag)
            check(dag, self._registry)
        except BuildError as error:
            raise Unrecoverable(record.saga_id, str(error)) from error
        return dag

    async def _take(
        self,
        saga_id: str,
        dag: Dag,
        record: SagaRecord | None,
        faults: Faults,
        breakpoints: Breakpoints,
        tell: Callable[[str], None],
    ) -> Execution:
        """Take ownership of a saga and rebuild it."""
        self._insist_on_open()
        if self._hook is not None:
            await self._hook(Point("recover", saga_id, None, ""))
        rebuilt = functools.partial(self._rebuilt, dag, faults, breakpoints)
        if record is not None:  # what cannot be rebuilt is not taken from whoever runs it
            read = functools.partial(self._store.log, saga_id)
            rebuilt(TakenSaga(record, await self._insist(f"reading the log of saga {saga_id}", read, tell)))
        taken = await self._insist(f"taking saga {saga_id}", lambda: self._store.take(saga_id), tell)
        self._insist_on_open()
        return rebuilt(taken)

    def _rebuilt(self, dag: Dag, faults: Faults, breakpoints: Breakpoints, taken: TakenSaga) -> Execution:
        saga_id = taken.record.saga_id
        log = DurableLog(self._store, saga_id, taken.record.generation, self._retry)
        try:
            return self.execution_class(
                taken, dag, self._registry, self._resources, log, faults, breakpoints, self._hook
            )
        except (ValueError, Inconsistent) as error:
            raise Unrecoverable(saga_id, str(error)) from error
        except Exception as error:  # whatever is in a log, the other sagas run
            raise Unrecoverable(saga_id, f"{type(error).__name__}: {described(error)}") from error

    async def _insist(self, what: str, call: Callable[[], Awaitable[_T]], tell: Callable[[str], object] = str) -> _T:
        """Call the store, and again while it fails transiently, unless the executor was closed meanwhile."""
        was_open = not self._closed

        def told(trouble: str) -> None:
            tell(trouble)
            if was_open:
                self._insist_on_open()

        return await insist(what, call, self._retry, told)

    def _insist_on_open(self) -> None:
        if self._closed:
            raise RuntimeError("this executor is closed; make another one on the same store")


def _check_text(value: object, what: str) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{what} must be a text, not a value of type {type(value).__name__}")
