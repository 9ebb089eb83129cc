"""Logs of the demo as files: written, read, shown, and brought into a store.

A file is JSON lines, so that a part of it is made with `head`: first the saga, then an event a line. One JSON object
with the events as a list is read as well.

    {"saga_id": "demo-1", "dag": {...}}
    {"node": 12, "label": "start", "event": "started", "data": null}
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from sagaref._dag import Dag
from sagaref._demo_console import BadInput, say, why
from sagaref._errors import BuildError
from sagaref._log import Event, LogEntry
from sagaref._steno_json import read_dag, write_dag
from sagaref._store import Store

__all__ = ["SavedSaga", "bring_into", "read_saved", "shown", "write_saved"]

# More than any log of the demo has; a device that never ends is not read for ever.
_MOST = 1 << 24


@dataclass(frozen=True)
class SavedSaga:
    """A saga as a file has it."""

    saga_id: str
    dag: Dag
    log: tuple[LogEntry, ...]


def shown(dag: Dag, log: Iterable[LogEntry]) -> str:
    """A log as people read it, an event a line."""
    width = max(map(len, dag.labels))
    lines = []
    for position, entry in enumerate(log, 1):
        data = "" if entry.data == "null" else f"  {entry.data}"
        lines.append(f"{position:>4}  {dag.labels[entry.node]:<{width}}  {entry.event.value:<13}{data}".rstrip())
    return "\n".join(lines)


def write_saved(file: str, saved: SavedSaga) -> None:
    """Write a saga to a file, or to standard output for "-".

    Raises:
        BadInput: the file cannot be written.
    """
    head = {"saga_id": saved.saga_id, "dag": json.loads(write_dag(saved.dag))}
    events = (
        {
            "node": entry.node,
            "label": saved.dag.labels[entry.node],
            "event": entry.event.value,
            "data": json.loads(entry.data),
        }
        for entry in saved.log
    )
    text = "".join(json.dumps(line) + "\n" for line in (head, *events))
    if file == "-":
        say(text, end="")
        return
    try:
        Path(file).write_text(text, encoding="utf-8")
    except (OSError, ValueError) as error:
        raise BadInput(f"{file} cannot be written: {why(error)}") from None


def read_saved(file: str) -> SavedSaga:
    """Read a saga from a file, or from standard input for "-".

    Raises:
        BadInput: the file cannot be read, or is no saga as `write_saved` writes it, whole or with its tail cut off.
    """
    try:
        if file == "-":
            raw = sys.stdin.buffer.read(_MOST + 1)
        else:
            with Path(file).open("rb") as stream:
                raw = stream.read(_MOST + 1)
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise BadInput(f"{file} is no text in UTF-8") from None
    except (OSError, ValueError) as error:
        raise BadInput(f"{file} cannot be read: {why(error)}") from None
    if len(raw) > _MOST:
        raise BadInput(f"{file} is larger than {_MOST >> 20} MiB, which no log of the demo is")
    try:
        return _saved(text)
    except BadInput as error:
        raise BadInput(f"{file} is no dumped log: {error}") from None


async def bring_into(store: Store, saga_id: str, saved: SavedSaga) -> None:
    """Create a saga in a store with this DAG and this log, as its executor would have left it.

    Raises:
        SagaExists: there is a saga of this id.
        StoreError: the store failed, or the log has two different events of one kind and node.
    """
    await store.create(saga_id, saved.dag.name, write_dag(saved.dag))
    generation = (await store.take(saga_id)).record.generation
    for entry in saved.log:
        await store.append(saga_id, generation, entry)


# Reading ----------------------------------------------------------------------------------------------------------


def _saved(text: str) -> SavedSaga:
    try:
        parts = [("the file", json.loads(text, parse_constant=_refuse))]
    except ValueError:
        lines = [(f"line {n}", line) for n, line in enumerate(text.split("\n"), 1) if line.strip()]
        parts = [(where, _json(where, line)) for where, line in lines]
    except RecursionError:
        raise BadInput("it is too deeply nested") from None
    if not parts:
        raise BadInput("it is empty")
    where, head = parts[0]
    if not (isinstance(head, dict) and isinstance(head.get("saga_id"), str) and isinstance(head.get("dag"), dict)):
        raise BadInput(f'{where} must be an object with a text "saga_id" and an object "dag"')
    saga_id, events = head["saga_id"], head.get("events", [])
    if not (saga_id and saga_id.isprintable()):
        raise BadInput(f'{where}: "saga_id" must be one or more printable characters')
    if not isinstance(events, list):
        raise BadInput(f'{where}: "events" must be a list')
    try:
        dag = read_dag(json.dumps(head["dag"]))
    except (BuildError, RecursionError) as error:
        raise BadInput(f'{where}: "dag": {str(error) or "it is too deeply nested"}') from None
    listed = [(f"event {position}", event) for position, event in enumerate(events, 1)]
    return SavedSaga(saga_id, dag, tuple(_entry(dag, *event) for event in (*listed, *parts[1:])))


def _json(where: str, line: str) -> Any:
    try:
        return json.loads(line, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise BadInput(f"{where} is not JSON: {error.msg} at column {error.colno}") from None
    except ValueError as error:
        raise BadInput(f"{where} is not JSON: {error}") from None
    except RecursionError:
        raise BadInput(f"{where} is too deeply nested") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no value of JSON")


def _entry(dag: Dag, where: str, value: object) -> LogEntry:
    if not isinstance(value, dict):
        raise BadInput(f"{where} must be an object")
    node, event = value.get("node"), value.get("event")
    if isinstance(node, bool) or not isinstance(node, int) or not 0 <= node < len(dag.nodes):
        raise BadInput(f'{where}: "node" must be a number from 0 to {len(dag.nodes) - 1}')
    if value.get("label", dag.labels[node]) != dag.labels[node]:
        raise BadInput(f"{where}: node {node} is {dag.labels[node]}, and not what its label says")
    events = {e.value: e for e in Event}
    if not isinstance(event, str) or event not in events:
        raise BadInput(f'{where}: "event" must be one of {", ".join(events)}')
    return LogEntry(node, events[event], json.dumps(value.get("data")))
