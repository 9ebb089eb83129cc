"""What the tests of the stores share: a PostgreSQL server for the session, and a database for each test."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from postgres_server import NoPostgres, PostgresServer, postgres_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A running PostgreSQL server. Where none is to be had the tests are skipped, but fail where CI=true."""
    try:
        with postgres_server() as server:
            yield server
    except NoPostgres as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[str]:
    """The name of a new database of the server."""
    name = postgres.create_database()
    yield name
    postgres.drop_database(name)
