"""The executor as an implementation under test: every actor held at its injection point, one let go at a time.

`sagacheck replay --impl reference` talks to an `Adapter` in messages of JSON values (docs/reference.md has them):

    {"command": "hello"}                     which steps it can be made to take, which variables it can show
    {"command": "load", "document": ..., "labels": ..., "predicates": ..., "environment": ...}   begin, with a new saga
    {"command": "step", "step": ..., "node": label or null}   take this step of the specification, if it is on offer
    {"command": "end"}                       the conversation ends

The replies to the latter two show the state: variables of the specification, by its names. The saga runs for real, on
a store in memory and on an event loop that runs until it is idle, so a trace has one outcome, whatever the machine.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from sagaref._bodies import Bodies
from sagaref._dag import Dag
from sagaref._errors import Inconsistent, SagaStopped, Unrecoverable
from sagaref._execution import Execution
from sagaref._executor import Executor
from sagaref._idle import IdleLoop
from sagaref._log import TRANSITIONS, Load
from sagaref._memory_store import MemoryStore
from sagaref._points import DO, POINTS, UNDO, Job, Point
from sagaref._saga import Saga

__all__ = ["Adapter"]

_ID = "the saga"
_LOOP = {
    "kick_off": "KICK_OFF",
    "unwinding_lands": "WRITE_UNWINDING",
    "finish": "FINISH",
    "done_lands": "WRITE_DONE",
    "read_result": "RESULT",
}


def _stages(job: Job) -> dict[str, str]:
    return {
        job.start_lands: "WRITE_START",
        job.succeed: "RUN",
        job.fail: "RUN",
        job.success_lands: "WRITE_OK",
        job.failure_lands: "WRITE_FAIL",
        job.take_success: "SENT_OK",
        job.take_failure: "SENT_FAIL",
    }


_SHOWS = (
    "panic", "log", "effect", "runs", "undo_runs", "pc", "log_copy", "queue_todo", "queue_undo", "node_tasks",
    "node_outputs", "node_errors", "undo_errors", "nodes_undone", "phase", "stopping", "lock", "work", "undo_work",
)  # fmt: skip
_RUNS = ("NO", "ONCE", "TWICE")


def _version() -> str:
    try:
        return importlib.metadata.version("sagacheck")
    except importlib.metadata.PackageNotFoundError:  # run from a checkout
        return "0+unknown"


class Adapter:
    """Runs one saga at a time, step by step."""

    execution_class: ClassVar[type[Execution]] = Execution
    name: ClassVar[str] = "reference"
    # The steps at which an actor is held, beside those of actions, of the observer and of the process.
    points: ClassVar[tuple[str, ...]] = POINTS
    # Steps that happen within the one before them, where nobody can be held.
    internal: ClassVar[tuple[str, ...]] = ()
    # point -> where the loop is when it is held there.
    loop_points: ClassVar[Mapping[str, str]] = _LOOP
    # point -> where a worker of an action, and of an undo action, is when it is held there.
    do_points: ClassVar[Mapping[str, str]] = _stages(DO)
    undo_points: ClassVar[Mapping[str, str]] = _stages(UNDO)
    # Points of a report that only the waiting loop takes.
    reports: ClassVar[frozenset[str]] = frozenset(
        (DO.take_success, DO.take_failure, UNDO.take_success, UNDO.take_failure)
    )

    def __init__(self) -> None:
        self._loop: IdleLoop | None = None

    # The messages -------------------------------------------------------------------------------------------------

    def ask(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one message.

        Raises:
            ValueError: it is none of the four, or a step comes before a saga is loaded.
        """
        command = message.get("command")
        if command == "hello":
            return self._hello()
        if command == "load":
            return self._load(message)
        if command == "end":
            self.close()
            return {"outcome": "taken"}
        if command == "step" and self._loop is not None:
            return self._step(message["step"], message["node"])
        raise ValueError(f"no message is expected here with the command {command!r}")

    def close(self) -> None:
        """End the saga, if there is one."""
        if self._loop is not None:
            self._crash()
            self._loop.close()
            self._loop = None

    def _hello(self) -> dict[str, Any]:
        others = ("take_effect", "remove_effect", "ask_status", "crash")
        return {
            "protocol": 1,
            "implementation": self.name,
            "version": _version(),
            "language": "Python",
            "capabilities": ["failure", "undo", "crash", "status", "start-records", "subsagas"],
            "steps": [*self.points, *others],
            "internal": list(self.internal),
            "shows": list(_SHOWS),
        }

    def _load(self, message: Mapping[str, Any]) -> dict[str, Any]:
        self.close()
        self._loop = IdleLoop()
        self._held: dict[tuple[str, int | None], asyncio.Future[None]] = {}
        self._labels: list[str] = message["labels"]
        predicates = message["predicates"]
        dag = _read(message["document"])
        self.dag = replace(dag, nodes=tuple(replace(x, action=str(n)) for n, x in enumerate(dag.nodes)))
        kept = message["environment"].get("contract", "kept") == "kept"
        self.bodies = Bodies(self.dag, predicates, contract=kept)
        self._registry = self.bodies.registry()
        self._store = MemoryStore()
        self._panic = "NONE"
        self._refused = False
        self._new_process()
        self._run(self._executor.create(self.dag, saga_id=_ID))
        self._take("recover", None)
        return {"outcome": "taken", **self._seen()}

    def _step(self, step: str, label: str | None) -> dict[str, Any]:
        n = None if label is None else self._labels.index(label)
        if (step, n) not in self.offers():
            return {"outcome": "refused", **self._seen()}
        outcome = "taken" if self._take(step, n) else "not reached"
        return {"outcome": outcome, **self._seen()}

    def _seen(self) -> dict[str, Any]:
        offers = sorted(self.offers(), key=str)
        return {
            "offers": [{"step": s, "node": None if n is None else self._labels[n]} for s, n in offers],
            "state": {name: self._named(value) for name, value in self.state().items()},
        }

    def _named(self, value: Any) -> Any:
        return dict(zip(self._labels, value, strict=True)) if isinstance(value, list) else value

    # Steps --------------------------------------------------------------------------------------------------------

    def offers(self) -> set[tuple[str, int | None]]:
        """The steps that can be taken now, with the index of the node."""
        if self._panic != "NONE":
            return {("crash", None)}
        if self.execution is None:
            return set() if self._refused else {("recover", None)}
        receiving = not any(point in self.loop_points for point, _ in self._held)
        held = {(point, n) for point, n in self._held if receiving or point not in self.reports}
        return held | self.bodies.offers() | self.observer_offers() | {("crash", None)}

    def observer_offers(self) -> set[tuple[str, int | None]]:
        """What an observer can do now."""
        return {("ask_status", None)}

    def _take(self, step: str, n: int | None) -> bool:
        """Take a step that is on offer; whether its actor came to it."""
        if step == "crash":
            self._crash()
        elif step == "recover":
            self._recover()
        elif step == "ask_status":
            self.ask_status()
        elif (step, n) in self._held:
            self._held.pop((step, n)).set_result(None)
            self._idle()
        else:
            assert n is not None
            end = self.bodies.take(step, n)
            self._idle()
            if end:
                if (step, n) not in self._held:
                    return False
                self._held.pop((step, n)).set_result(None)
                self._idle()
        self._look_for_panic()
        return True

    def ask_status(self) -> None:
        """Ask for the status; a node of which memory contradicts itself is the observer's failed assertion."""
        problems = [node.problem for node in self._saga.status().nodes if node.problem]
        order = ("NODE_ERROR", "UNDO_ERROR", "TWO_STATES", "UNDETERMINED")
        self._panic = next((p for p in order if p in problems), self._panic)

    async def _hook(self, point: Point) -> None:
        future = asyncio.get_running_loop().create_future()
        self._held[point.step, point.node] = future
        try:
            await future
        finally:
            if self._held.get((point.step, point.node)) is future:
                del self._held[point.step, point.node]

    # The process --------------------------------------------------------------------------------------------------

    def _new_process(self) -> None:
        class OwnExecutor(Executor):
            execution_class = self.execution_class

        self._executor = OwnExecutor(self._store, self._registry, hook=self._hook)
        self.execution: Execution | None = None

    def _crash(self) -> None:
        """The process is gone, with everything but the store and the world."""
        self._run(self._executor.close())
        self._panic = "NONE"
        self.bodies.forget_runs(self._log())
        self._new_process()

    def _recover(self) -> None:
        taking: asyncio.Task[Saga] = self._spawn(self._executor.resume(_ID))
        self._held.pop(("recover", None)).set_result(None)
        self._idle()
        error = taking.exception()
        if error is None:
            self._saga = taking.result()
            self.execution = self._saga._execution
        elif isinstance(error, Unrecoverable) and isinstance(error.__cause__, Inconsistent):
            self._panic = error.__cause__.assertion.name
        elif isinstance(error, Unrecoverable):
            self._refused = True
        else:
            raise error

    def _look_for_panic(self) -> None:
        """Whether an assertion has ended the saga."""
        task = None if self.execution is None else self._saga._task
        error = task.exception() if task is not None and task.done() else None
        if isinstance(error, SagaStopped) and isinstance(error.__cause__, Inconsistent):
            self._panic = error.__cause__.assertion.name
        elif error is not None:
            raise error

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        assert self._loop is not None
        task = self._loop.create_task(work)
        self._idle()
        return task

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._spawn(work).result()

    def _idle(self) -> None:
        assert self._loop is not None
        self._loop.run_until_idle()

    # What is seen -------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """The variables of the specification that can be seen now; a list has an item for each node.

        Without a process there is no memory, and after a failed assertion it means nothing.
        """
        seen: dict[str, Any] = {
            "panic": self._panic,
            "log": self._log(),
            "effect": [n in self.bodies.effects for n in range(len(self.dag.nodes))],
            "runs": self._runs(undo=False),
            "undo_runs": self._runs(undo=True),
        }
        if self._panic != "NONE":
            return seen
        if self.execution is None:
            return {**seen, "pc": "REFUSED" if self._refused else "DOWN"}
        return {**seen, **self.memory_state(self.execution), **self.actors()}

    def _log(self) -> list[str]:
        """The load status of each node in the durable log; its events in the order in which they were written."""
        statuses = [Load.NEVER_STARTED.name] * len(self.dag.nodes)
        for entry in self._run(self._store.log(_ID)):
            before, after = TRANSITIONS[entry.event]
            statuses[entry.node] = after.name if statuses[entry.node] == before.name else "ILLEGAL"
        return statuses

    def _runs(self, *, undo: bool) -> list[str | None]:
        """How often each action, or undo action, has run; None where there is none."""
        runs = self.bodies.runs
        return [_RUNS[min(runs[n, undo], 2)] if (n, undo) in runs else None for n in range(len(self.dag.nodes))]

    def memory_state(self, execution: Execution) -> dict[str, Any]:
        """The variables of memory."""
        memory = execution.memory
        everything = range(len(self.dag.nodes))
        undone = memory.nodes_undone
        return {
            "log_copy": [status.name for status in memory.log_copy],
            "queue_todo": [n in memory.queue_todo for n in everything],
            "queue_undo": [n in memory.queue_undo for n in everything],
            "node_tasks": [n in memory.node_tasks for n in everything],
            "node_outputs": [n in memory.node_outputs for n in everything],
            "node_errors": [n in memory.node_errors for n in everything],
            "undo_errors": [n in memory.undo_errors for n in everything],
            "nodes_undone": [undone[n].name if n in undone else "NO" for n in everything],
            "phase": memory.phase.name,
            "stopping": memory.stopping,
            "lock": "FREE",
        }

    def actors(self) -> dict[str, Any]:
        """Where the loop and the workers are, and how often each action has run."""
        work, undo_work = ["NONE"] * len(self.dag.nodes), ["NONE"] * len(self.dag.nodes)
        for n, undo in self.bodies.running:
            (undo_work if undo else work)[n] = "RUN"
        for point, held in self._held:
            if held is not None and point in self.do_points:
                work[held] = self.do_points[point]
            if held is not None and point in self.undo_points:
                undo_work[held] = self.undo_points[point]
        at = [self.loop_points[point] for point, _ in self._held if point in self.loop_points]
        rest = "REST" if self.execution is not None and self.execution.resting else "RECEIVE"
        return {"pc": at[0] if at else rest, "work": work, "undo_work": undo_work}


def _read(document: Any) -> Dag:
    from sagaref._steno_json import read_dag

    return read_dag(json.dumps(document))
