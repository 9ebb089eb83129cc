"""An adapter of LangGraph's checkpointing for `sagacheck conform`: protocol version 1, one JSON object a line.

    sagacheck conform --cmd "python adapter.py --api graph --mode sync --durability sync"

A saga becomes a StateGraph or an entrypoint, and runs in a process of its own on a file of the SQLite checkpointer. A
crash is a SIGKILL of that process; recovery is another process that resumes from the file. README.md has the options.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import shutil
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from langgraph.checkpoint.sqlite import SqliteSaver
from lg_child import CONFIG, Options, snapshot_outputs
from lg_process import Process
from lg_saga import Saga, as_entrypoint, as_graph
from lg_world import Ledger, durable_outputs

__all__ = ["Adapter", "main"]

_SHOWS = ("log", "log_copy", "effect", "runs", "undo_runs", "work", "pc", "lock", "panic")
_INTERNAL = ("kick_off", "start_lands", "take_success", "finish", "done_lands", "read_result")
_STEPS = ("take_effect", "succeed", "success_lands", "ask_status", "crash", "recover")
_CHOICES = {
    "api": ("graph", "functional"),
    "mode": ("sync", "async"),
    "durability": ("sync", "async", "exit"),
    "hold": ("before", "commit"),
    "order": ("writes-first", "put-first", "put-late"),
    "status": ("other", "same"),
    "memory": ("state", "stream"),
}


class Adapter:
    """Runs one saga at a time, step by step."""

    def __init__(self, options: Options, keep: Path | None = None) -> None:
        self._options, self._keep = options, keep
        self._loads = 0
        self._process: Process | None = None
        self._folder: Path | None = None

    def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """Answer one message."""
        command = message["command"]
        if command == "hello":
            return self._hello()
        if command == "load":
            return self._load(message)
        if command == "step" and self._folder is not None:
            return self._step(message["step"], message["node"])
        if command == "end":
            self.close()
            return {"outcome": "taken"}
        return {"error": f"no message is expected here with the command {command!r}"}

    def close(self) -> None:
        """End the saga, if there is one."""
        if self._process is not None:
            self._process.kill()
            self._process = None
        if self._folder is not None and self._keep is None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder = None

    def _hello(self) -> dict[str, Any]:
        steps, internal = list(_STEPS), list(_INTERNAL)
        if self._options.durability == "exit":  # nothing is written before the end, and then all in one row
            steps.remove("success_lands")
            internal.append("success_lands")
        versions = " ".join(importlib.metadata.version(p) for p in ("langgraph", "langgraph-checkpoint-sqlite"))
        return {
            "protocol": 1,
            "implementation": "langgraph " + " ".join(vars(self._options).values()),
            "version": versions,
            "language": "Python",
            "capabilities": ["crash", "status"],
            "steps": steps,
            "internal": internal,
            "waits": ["ask_status"] if self._options.status == "same" else [],
            "shows": list(_SHOWS),
        }

    def _load(self, message: dict[str, Any]) -> dict[str, Any]:
        self.close()
        self._saga = Saga.of(message)
        if not self._saga.actions:
            reason = "LangGraph has no graph without a node"
            return {"outcome": "not supported", "reason": reason, "offers": [], "state": {}}
        self._folder = self._new_folder()
        self._file = self._folder / "checkpoints.sqlite"
        self._ledger = Ledger(self._folder / "ledger.jsonl")
        self._before = dict.fromkeys(self._saga.actions, 0)  # runs that do not count since the last crash
        self._refused = False
        self._process = Process(self._options, self._saga, self._folder)
        others = [label for label in self._saga.labels if label not in self._saga.actions]
        internal = [{"step": s, "node": n} for n in others for s in ("succeed", "success_lands")]
        return {"outcome": "taken", "internal": internal, "offers": self._offers(), "state": self._state()}

    def _new_folder(self) -> Path:
        if self._keep is None:
            return Path(tempfile.mkdtemp(prefix="saga-"))
        self._loads += 1
        folder = self._keep / str(self._loads)
        folder.mkdir(parents=True)
        return folder

    # Steps ------------------------------------------------------------------------------------------------------------

    def _offers(self) -> list[dict[str, Any]]:
        process = self._process
        if process is None:
            found: list[tuple[str, str | None]] = [] if self._refused else [("recover", None)]
        elif process.seen["ended"] == "failed":
            found = [("crash", None)]
        else:
            found = [(step, label) for label, step in process.bodies().items()]
            found += [] if self._options.durability == "exit" else [("success_lands", n) for n in process.landing()]
            found += [("crash", None)] + ([] if process.asking else [("ask_status", None)])
        return [{"step": step, "node": node} for step, node in sorted(found, key=str)]

    def _step(self, step: str, node: str | None) -> dict[str, Any]:
        if {"step": step, "node": node} not in self._offers():
            return {"outcome": "refused", "offers": self._offers(), "state": self._state()}
        outcome, done = "taken", None
        if step == "recover":
            self._recover()
        elif step == "crash":
            self._crash()
        elif step == "ask_status":
            done = self._status()
            outcome = "pending" if done is None else "taken"
        else:
            assert self._process is not None
            assert node is not None
            (self._process.land if step == "success_lands" else self._process.go_on)(node)
        return {"outcome": outcome, "offers": self._offers(), "state": self._state(done)}

    def _crash(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process = None
        done = durable_outputs(self._file)
        for label in self._saga.actions:
            self._before[label] = self._ledger.starts(label) - (label in done)

    def _recover(self) -> None:
        process = Process(self._options, self._saga, self._folder or Path())
        if process.seen["ended"] == "failed":
            process.kill()
            self._refused = True
            sys.stderr.write(f"recovery is refused: {process.seen['why']}\n")
        else:
            self._process = process

    def _status(self) -> list[str] | None:
        """What `get_state` shows as done; None: it waits for the lock of the checkpointer."""
        if self._options.status == "same":
            assert self._process is not None
            self._process.ask()
            return self._answer()
        if not self._file.exists():
            return []
        make = as_graph if self._options.api == "graph" else as_entrypoint
        with closing(sqlite3.connect(self._file, check_same_thread=False)) as connection:
            graph = make(self._saga, lambda _label, _inputs: {}, SqliteSaver(connection), is_async=False)
            return snapshot_outputs(graph.get_state(CONFIG))

    def _answer(self) -> list[str] | None:
        process = self._process
        if process is None or process.answer is None:
            return None
        answer, process.answer = process.answer, None
        return answer

    # What is seen -----------------------------------------------------------------------------------------------------

    def _state(self, done: list[str] | None = None) -> dict[str, Any]:
        """The variables of the specification that can be seen now; `done` is what a status query has just shown."""
        durable = durable_outputs(self._file)
        seen: dict[str, Any] = {
            "log": {n: self._log(n, n in durable) for n in self._saga.labels},
            "effect": {n: n in self._saga.has_undo and self._ledger.stands(n) for n in self._saga.labels},
            "runs": {n: self._runs(n) for n in self._saga.labels},
            "undo_runs": dict.fromkeys(self._saga.labels, "NO"),  # there is no undo that could have run
            "panic": "NONE",
        }
        process = self._process
        if process is None:
            return {**seen, "pc": "REFUSED" if self._refused else "DOWN"}
        if self._options.memory == "stream":
            done = process.seen["streamed"]
        elif done is None:
            done = self._answer()
        if done is not None:
            seen["log_copy"] = {n: "SUCCEEDED" if n in done else None for n in self._saga.labels}
        bodies, writes = process.bodies(), process.writes() - durable.keys()
        work = {n: "RUN" if n in bodies else "WRITE_OK" if n in writes else None for n in self._saga.labels}
        pc = {"": "RECEIVE", "done": "REST"}.get(
            process.seen["ended"]
        )  # quiet and not at its end: LangGraph's loop waits
        return {**seen, "work": work, "pc": pc, "lock": process.lock()}

    def _log(self, label: str, is_durable: bool) -> str | None:
        """A start is durable in the ledger alone, a success in a row of the checkpointer."""
        if label not in self._saga.actions:
            return None
        if is_durable:
            return "SUCCEEDED"
        return "STARTED" if self._ledger.starts(label) else "NEVER_STARTED"

    def _runs(self, label: str) -> str | None:
        if label not in self._saga.actions:
            return None
        return ("NO", "ONCE", "TWICE")[min(2, self._ledger.starts(label) - self._before[label])]


def main() -> None:
    """Speak the protocol on standard input and output."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, choices in _CHOICES.items():
        parser.add_argument(f"--{name}", choices=choices, default=choices[0])
    parser.add_argument("--keep", type=Path, help="keep the files of the N-th saga in KEEP/N")
    arguments = vars(parser.parse_args())
    keep = arguments.pop("keep")
    options = Options(**arguments)
    if options.hold == "commit" and options.order != "writes-first":
        parser.error("--hold commit goes with --order writes-first alone: the lock decides what comes first")
    adapter = Adapter(options, keep)
    try:
        for line in sys.stdin:
            message = json.loads(line)
            sys.stdout.write(json.dumps(adapter.ask(message)) + "\n")
            sys.stdout.flush()
            if message["command"] == "end":
                return
    finally:
        adapter.close()


if __name__ == "__main__":
    main()
