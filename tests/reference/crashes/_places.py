"""Where a store is: a SQLite file, a PostgreSQL database.

What is durable is read in plain SQL and not by the library, and nothing is open while a process is forked.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sagaref import CachedState, Event, PostgresStore, SqliteStore, Store

__all__ = ["Durable", "Place", "PostgresPlace", "SqlitePlace"]


@dataclass(frozen=True)
class Durable:
    """What is durable of a saga: its cached state, and the events of its nodes."""

    state: CachedState
    events: frozenset[tuple[int, Event]]


class Place(Protocol):
    """Where a store is."""

    def store(self) -> Store:
        """The store, for one process."""
        ...

    def read(self) -> dict[str, Durable]:
        """What is durable of each saga; no process may be using the store."""
        ...

    def clear(self) -> None:
        """Forget everything: another life begins."""
        ...


_SAGAS = "SELECT saga_id, state FROM {schema}saga"
_EVENTS = "SELECT saga_id, node, event FROM {schema}node_event"


def _durable(sagas: Iterable[Any], events: Iterable[Any]) -> dict[str, Durable]:
    found: dict[str, set[tuple[int, Event]]] = {}
    for saga, node, event in events:
        found.setdefault(saga, set()).add((node, Event(event)))
    return {saga: Durable(CachedState(state), frozenset(found.get(saga, ()))) for saga, state in sagas}


class SqlitePlace:
    """A SQLite file in a directory of its own."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self.clear()

    def store(self) -> Store:
        """See `Place.store`."""
        return SqliteStore(self._home / "sagas.db")

    def read(self) -> dict[str, Durable]:
        """See `Place.read`; it reads a copy, so that SQLite's own recovery is left to the next process."""
        with tempfile.TemporaryDirectory(dir=self._home.parent) as copy:
            for file in self._home.glob("sagas.db*"):
                if not file.name.endswith("-shm"):  # which SQLite does not trust after a crash either
                    shutil.copy(file, copy)
            connection = sqlite3.connect(Path(copy) / "sagas.db")
            try:
                if not connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]:
                    return {}
                sagas, events = (connection.execute(sql.format(schema="")) for sql in (_SAGAS, _EVENTS))
                return _durable(sagas, events)
            finally:
                connection.close()

    def clear(self) -> None:
        """See `Place.clear`."""
        shutil.rmtree(self._home, ignore_errors=True)
        self._home.mkdir(parents=True)


class PostgresPlace:
    """A PostgreSQL database, named by a connection string."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo

    def store(self) -> Store:
        """See `Place.store`."""
        return PostgresStore(self._conninfo)

    def read(self) -> dict[str, Durable]:
        """See `Place.read`.

        A transaction that the killed process had sent may still be under way in the server, and be seen later.
        """
        import psycopg

        with psycopg.connect(self._conninfo) as connection:
            if connection.execute("SELECT to_regclass('sagaref.saga')").fetchone() == (None,):
                return {}
            sagas, events = (connection.execute(sql.format(schema="sagaref.")) for sql in (_SAGAS, _EVENTS))
            return _durable(sagas.fetchall(), events.fetchall())

    def clear(self) -> None:
        """See `Place.clear`."""
        import psycopg

        with psycopg.connect(self._conninfo) as connection:
            connection.execute("DROP SCHEMA IF EXISTS sagaref CASCADE")
