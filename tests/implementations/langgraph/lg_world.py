"""What outlives a crash: the ledger that the bodies of actions keep, and what is durable in the checkpointer's file.

The ledger is the world. Every run of a body writes a line when it starts and a line when it takes effect, each synced
to the disk before the body goes on, so that what has happened can be told from what is remembered of it.
"""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

__all__ = ["OUTPUTS", "RETURNED", "Ledger", "durable_outputs"]

OUTPUTS = "outputs"  # the channel of a graph that has every output so far
RETURNED = "__return__"  # the channel to which LangGraph writes what a task returned
_OF_ENTRYPOINT = ("__end__", "__previous__")

Output = dict[str, Any]


class Ledger:
    """A file with a line of JSON for everything that a body did."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, event: str, label: str, **more: Any) -> None:
        """Write a line, and wait until it is on the disk."""
        line = json.dumps({"event": event, "node": label, **more}) + "\n"
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def lines(self) -> list[dict[str, Any]]:
        """All of them, the oldest first."""
        if not self._path.exists():
            return []
        return [json.loads(line) for line in self._path.read_text("utf-8").splitlines()]

    def begin(self, label: str, inputs: dict[str, str]) -> str:
        """A run of a body begins; the result is its identity, which no other run has."""
        run = f"{label}#{1 + self.starts(label)}"
        self.add("start", label, run=run, inputs=inputs)
        return run

    def starts(self, label: str) -> int:
        """How many runs of a body have begun."""
        return sum(line["event"] == "start" and line["node"] == label for line in self.lines())

    def stands(self, label: str) -> bool:
        """Whether the effect of an action stands."""
        return any(line["event"] == "effect" and line["node"] == label for line in self.lines())


def durable_outputs(path: Path) -> dict[str, Output]:
    """The outputs that are durable in a file of SqliteSaver or AsyncSqliteSaver, by label.

    A connection of its own reads it. An output is durable when a row that is committed holds it: of `writes`, or of
    `checkpoints`. Of several outputs of one node the one that was written last counts.
    """
    if not path.exists():
        return {}
    found: dict[str, Output] = {}
    serde = JsonPlusSerializer()
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE name IN ('writes', 'checkpoints')").fetchall()
        if len(tables) < 2:
            return {}
        for channel, kind, value in connection.execute("SELECT channel, type, value FROM writes ORDER BY rowid"):
            if channel in (OUTPUTS, RETURNED, *_OF_ENTRYPOINT):
                found |= serde.loads_typed((kind, value)) or {}
        for kind, value in connection.execute("SELECT type, checkpoint FROM checkpoints ORDER BY checkpoint_id"):
            values = serde.loads_typed((kind, value))["channel_values"]
            for channel in (OUTPUTS, *_OF_ENTRYPOINT):
                found |= values.get(channel) or {}
    return found
