"""A PostgreSQL server for tests, in a temporary directory, from the binaries that this machine has."""

from __future__ import annotations

import importlib.util
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

__all__ = ["NoPostgres", "PostgresServer", "postgres_server"]

_USER, _PASSWORD = "sagas", "not a secret"


class NoPostgres(Exception):  # noqa: N818  (it is a reason to skip)
    """There is no server to be had here; the text says why."""


class PostgresServer:
    """A server that listens on a socket in its own directory, so that no two need to agree on a port."""

    def __init__(self, binaries: Path, home: Path, identity: dict[str, Any]) -> None:
        self._binaries = binaries
        self._home = home
        self._identity = identity
        self._names = (f"test_{number}" for number in itertools.count())

    def conninfo(self, database: str, user: str = _USER, password: str = _PASSWORD) -> str:
        """A connection string for a database of this server."""
        return f"host={self._home} dbname={database} user={user} password='{password}'"

    def create_database(self, options: str = "") -> str:
        """The name of a new, empty database."""
        name = next(self._names)
        with self.connect("postgres") as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 {options}".encode())
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database, whoever is connected to it."""
        with self.connect("postgres") as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())

    def connect(self, database: str) -> psycopg.Connection:
        """A connection without a store, in autocommit mode."""
        import psycopg

        return psycopg.connect(self.conninfo(database), autocommit=True)

    def initialize(self) -> None:
        """Make the cluster."""
        password = self._home / "password"
        password.write_text(_PASSWORD)
        shutil.chown(password, *self._owner)
        self._run(
            "initdb", "--encoding=UTF8", "--locale=C", "--auth=scram-sha-256",
            f"--username={_USER}", f"--pwfile={password}", "--pgdata", str(self._data),
        )  # fmt: skip

    def start(self) -> None:
        """Start it; returns when it accepts connections."""
        # Nothing here tests the disk: without fsync it starts, stops and makes databases in a fraction of the time.
        options = f"-c fsync=off -c listen_addresses= -c unix_socket_directories={self._home}"
        self._run("pg_ctl", "start", "-w", "-D", str(self._data), "-l", str(self._home / "log"), "-o", options)

    def stop(self, mode: str = "fast") -> None:
        """Stop it as an administrator would, sessions and all; or as a crash does, in mode "immediate"."""
        self._run("pg_ctl", "stop", "-w", "-m", mode, "-D", str(self._data))

    @property
    def _data(self) -> Path:
        return self._home / "data"

    @property
    def _owner(self) -> tuple[int, int]:
        return self._identity.get("user", os.getuid()), self._identity.get("group", os.getgid())

    def _run(self, program: str, *arguments: str) -> None:
        # To a file, not to a pipe: the server inherits it, and a pipe would stay open as long as the server runs.
        with (self._home / "output").open("w+") as output:
            command = [str(self._binaries / program), *arguments]
            code = subprocess.run(
                command, cwd=self._home, stdout=output, stderr=subprocess.STDOUT, **self._identity
            ).returncode
            if code:
                output.seek(0)
                raise RuntimeError(f"{program} failed with exit code {code}:\n{output.read()}")


def _binaries() -> Path:
    """Where the server's programs are: the highest version that Debian has installed, else where PATH has them."""
    installed = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if installed:
        return max(installed, key=lambda path: [int(part) for part in path.parent.name.split(".")])
    found = shutil.which("initdb")
    if found is None or shutil.which("pg_ctl") is None:
        raise NoPostgres("no PostgreSQL server is installed here (Debian: apt-get install postgresql)")
    return Path(found).parent


def _identity() -> dict[str, Any]:
    """How to run the server, which refuses to run as root: as `postgres`, or else as `nobody`."""
    if os.getuid():
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise NoPostgres("the PostgreSQL server does not run as root, and there is no user postgres or nobody")


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A running server.

    Raises:
        NoPostgres: there is none to be had here.
        RuntimeError: it did not start; the text has its output.
    """
    if importlib.util.find_spec("psycopg") is None:
        raise NoPostgres("psycopg is not installed")
    binaries, identity = _binaries(), _identity()
    home = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        server = PostgresServer(binaries, home, identity)
        if identity:
            os.chown(home, identity["user"], identity["group"])
        server.initialize()
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")
    finally:
        shutil.rmtree(home)
