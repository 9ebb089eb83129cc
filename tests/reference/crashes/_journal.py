"""The journal: what actions did and what a store acknowledged, in a file that survives the process.

It is outside of the store. An effect is a line of it: the effect of a node stands if the last line about it says so.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "CREATED",
    "DO_BEGUN",
    "EFFECT",
    "KILLED",
    "REMOVED",
    "TAKEN",
    "UNDO_BEGUN",
    "WRITTEN",
    "Journal",
    "Line",
    "read_journal",
    "standing",
]

# Of an action: its run begins; it takes its effect. Of an undo action: its run begins. Of either: no effect is left.
DO_BEGUN, EFFECT, UNDO_BEGUN, REMOVED = "do begun", "effect", "undo begun", "removed"
# Of a store, after its call returned: the saga is there; it was taken; the event, which is named, is in the log.
CREATED, TAKEN, WRITTEN = "created", "taken", "written"
# The process kills itself now; which kind of site that is, is named.
KILLED = "killed"


@dataclass(frozen=True)
class Line:
    """What a process did.

    Attributes:
        process: its number within the life, from 1 on.
        what: one of the words above.
        saga, node: to what; "" and -1 where it is to none.
        name: what is named beside it, or "".
    """

    process: int
    what: str
    saga: str = ""
    node: int = -1
    name: str = ""


class Journal:
    """The end of the journal, for one process; a line that was written survives whatever happens to the process."""

    def __init__(self, path: Path, process: int) -> None:
        self._process = process
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, what: str, saga: str = "", node: int = -1, name: str = "") -> None:
        """Append a line, in one write, and sync it."""
        os.write(self._file, json.dumps([self._process, what, saga, node, name]).encode() + b"\n")
        os.fsync(self._file)


def read_journal(path: Path) -> list[Line]:
    """All lines."""
    return [Line(*json.loads(text)) for text in path.read_text().splitlines()] if path.exists() else []


def standing(lines: Iterable[Line]) -> set[tuple[str, int]]:
    """The sagas and nodes whose effects stand."""
    there: set[tuple[str, int]] = set()
    for line in lines:
        if line.what == EFFECT:
            there.add((line.saga, line.node))
        elif line.what == REMOVED:
            there.discard((line.saga, line.node))
    return there
