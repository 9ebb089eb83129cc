"""The process that runs a saga with LangGraph, and is killed: it takes orders from a pipe, and says when it is quiet.

The saga runs in the main thread, as it would in anybody's program. A second thread reads the orders, lets one actor go,
waits until the process is quiet, and replies with who is held where.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from langchain_core.runnables import RunnableConfig
from lg_hold import AsyncHeldSaver, Gates, HeldSaver, async_connection, connection
from lg_quiet import wait_until_quiet
from lg_saga import Saga, as_entrypoint, as_graph
from lg_world import OUTPUTS, Ledger

__all__ = ["CONFIG", "Child", "Options", "snapshot_outputs"]

# More workers than a saga has actors: else their number, by default that of the processors and four, decides who waits.
CONFIG: RunnableConfig = {"configurable": {"thread_id": "saga"}, "max_concurrency": 64, "recursion_limit": 1000}


@dataclass(frozen=True)
class Options:
    """How LangGraph is used, and where it is held; the options of the adapter, by their names."""

    api: str = "graph"
    mode: str = "sync"
    durability: str = "sync"
    hold: str = "before"
    order: str = "writes-first"
    status: str = "other"
    memory: str = "state"


def snapshot_outputs(snapshot: Any) -> list[str]:
    """The labels that a StateSnapshot shows as done: of a graph; of an entrypoint, once it has returned."""
    values = snapshot.values or {}
    return sorted(values.get(OUTPUTS, values) if isinstance(values, dict) else ())


class Child:
    """One process, from its start until it is killed."""

    def __init__(self, options: Options, saga: Saga, folder: Path, orders: TextIO, replies: TextIO) -> None:
        self._options, self._saga = options, saga
        self._path = folder / "checkpoints.sqlite"
        self._ledger = Ledger(folder / "ledger.jsonl")
        self._orders, self._replies = orders, replies
        self._is_async = options.mode == "async"
        self._make = as_graph if options.api == "graph" else as_entrypoint
        self._begin_lock = threading.Lock()
        self._streamed: list[str] = []
        self._ended = self._why = ""
        # With `custom` (or `messages`) LangGraph hands out each update at once; else when a thread comes to it.
        modes = ["updates", "custom"] if options.memory == "stream" else ["updates"]
        self._how: Any = {"config": CONFIG, "stream_mode": modes, "durability": options.durability}
        self._answer: list[str] | None = None
        self._asking = False
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self) -> None:
        """Run the saga, then wait for the end. Never returns."""
        if self._is_async:
            asyncio.run(self._arun())
        else:
            self._gates = Gates(None, at_commit=self._options.hold == "commit")
            self._saver: Any = HeldSaver(connection(self._path, self._gates), self._gates)
            self._graph = self._make(self._saga, self._body, self._saver, is_async=False)
            threading.Thread(target=self._obey, daemon=True).start()
            try:
                begin: Any = None if self._saver.get_tuple(CONFIG) else {OUTPUTS: {}}
                for chunk in self._graph.stream(begin, **self._how):
                    self._take_in(chunk)
                self._ended = "done"
            except BaseException as error:
                self._fail(error)
            threading.Event().wait()

    async def _arun(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._gates = Gates(self._loop, at_commit=self._options.hold == "commit")
        self._saver = AsyncHeldSaver(await async_connection(self._path, self._gates), self._gates)
        await self._saver.setup()
        self._graph = self._make(self._saga, self._abody, self._saver, is_async=True)
        threading.Thread(target=self._obey, daemon=True).start()
        try:
            begin: Any = None if await self._saver.aget_tuple(CONFIG) else {OUTPUTS: {}}
            async for chunk in self._graph.astream(begin, **self._how):
                self._take_in(chunk)
            self._ended = "done"
        except BaseException as error:
            self._fail(error)
        await asyncio.get_running_loop().create_future()

    def _fail(self, error: BaseException) -> None:
        self._ended, self._why = "failed", f"{type(error).__name__}: {error}"
        traceback.print_exc()

    def _take_in(self, chunk: Any) -> None:
        """What LangGraph streams to its caller: which actions it says are done."""
        _, update = chunk
        for value in update.values():
            self._streamed += sorted((value or {}).get(OUTPUTS, value) or ())

    # The bodies of actions --------------------------------------------------------------------------------------------

    def _body(self, label: str, inputs: dict[str, Any]) -> dict[str, Any]:
        output = self._start(label, inputs)
        if self._takes_effect(label):
            self._gates.hold({"kind": "take_effect", "label": label})
            self._ledger.add("effect", label, run=output["run"])
        self._gates.hold({"kind": "succeed", "label": label})
        return output

    async def _abody(self, label: str, inputs: dict[str, Any]) -> dict[str, Any]:
        output = self._start(label, inputs)
        if self._takes_effect(label):
            await self._gates.ahold({"kind": "take_effect", "label": label})
            self._ledger.add("effect", label, run=output["run"])
        await self._gates.ahold({"kind": "succeed", "label": label})
        return output

    def _start(self, label: str, inputs: dict[str, Any]) -> dict[str, Any]:
        """A run of a body begins; its output names the run, and the runs whose outputs it was built from."""
        seen = {p: output["run"] for p, output in inputs.items()}
        with self._begin_lock:
            return {"run": self._ledger.begin(label, seen), "inputs": seen}

    def _takes_effect(self, label: str) -> bool:
        return label in self._saga.has_undo and not self._ledger.stands(label)

    # Orders -----------------------------------------------------------------------------------------------------------

    def _obey(self) -> None:
        """Obey orders until there are no more, which means that the adapter is gone."""
        mine = {threading.get_ident()}
        for line in self._orders:
            order = json.loads(line)
            if order["do"] == "release":
                self._gates.release(order["number"])
            elif order["do"] == "ask" and not self._asking:
                self._asking = True
                self._ask()
            wait_until_quiet(mine, self._loop)
            answer, self._answer = self._answer, None
            self._asking = self._asking and answer is None
            reply = {
                "held": self._gates.held(),
                "ended": self._ended,
                "why": self._why,
                "streamed": self._streamed,
                "locked": self._saver.lock.locked(),
                "answer": answer,
            }
            self._replies.write(json.dumps(reply) + "\n")
            self._replies.flush()
        os._exit(0)

    def _ask(self) -> None:
        """Ask for the state through the checkpointer that the saga uses; the answer comes when it comes."""
        if self._loop is None:
            threading.Thread(target=self._answered, daemon=True).start()
        else:
            asyncio.run_coroutine_threadsafe(self._aanswered(), self._loop)

    def _answered(self) -> None:
        self._answer = snapshot_outputs(self._graph.get_state(CONFIG))

    async def _aanswered(self) -> None:
        self._answer = snapshot_outputs(await self._graph.aget_state(CONFIG))
