"""Crash safety: processes that run sagas are killed everywhere, and what must not have happened is counted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from crashes._judge import CHECKS
from crashes._sites import KINDS
from crashes._variants import VARIANTS
from postgres_server import PostgresServer
from sagaref import POINTS, Ending

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> list[str]:
    """The arguments that name a store: each kind in turn."""
    if request.param == "sqlite":
        return ["--store", "sqlite"]
    server: PostgresServer = request.getfixturevalue("postgres")
    databases = [f"--conninfo={server.conninfo(server.create_database())}" for _ in range(4)]
    return ["--store", "postgres", *databases]


def crash(*arguments: str) -> tuple[int, dict[str, Any], dict[str, Any]]:
    """Run the command on one store: its exit code, its report, and what that says of the store."""
    command = [sys.executable, "-W", "error", "-m", "tests.reference.crashes", "--json", *arguments]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert not ended.stderr
    report = json.loads(ended.stdout)
    assert report["as_expected"] == (ended.returncode == 0)
    (of_store,) = report["stores"].values()
    return ended.returncode, report, of_store


def survives(*arguments: str) -> None:
    """The executor is killed everywhere, and nothing happens that must not."""
    code, _, counted = crash(*arguments)
    assert counted["found"] == []
    assert counted["counts"] == dict.fromkeys(CHECKS, 0)
    assert [kind for kind in KINDS if not counted["kills"][kind]] == []
    assert counted["processes"] == counted["lives"] + sum(counted["kills"].values())
    assert sum(counted["endings"].values()) == counted["sagas"]
    assert all(counted["endings"][ending.value] for ending in Ending)
    assert counted["recoveries"] > counted["lives"]
    assert code == 0


def shows(variant: str, *arguments: str) -> None:
    """The variant shows what it is to show."""
    code, report, counted = crash("--variant", variant, *arguments)
    assert report["shows"] == VARIANTS[variant].shows
    assert counted["counts"][report["shows"]] > 0
    assert code == 0


def test_no_kill_loses_a_saga_or_repeats_or_leaves_anything(store: list[str]) -> None:
    """Killed at every injection point, around every write, within actions, at random times: all sagas come to rest."""
    survives(*store, "--rounds", "2")


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_broken_variant_is_seen(variant: str) -> None:
    """The same kills make the counter of each broken variant rise."""
    shows(variant, "--store", "sqlite", "--rounds", "8", "--until-shown")


def test_each_variant_breaks_another_counter() -> None:
    """No two variants are seen by the same counter, and no variant names a counter that there is none of."""
    names = [variant.shows for variant in VARIANTS.values()]
    assert len(set(names)) == len(names)
    assert set(names) <= set(CHECKS)


def test_every_injection_point_is_a_kind_of_site() -> None:
    """A new injection point is one to be killed at."""
    assert {kind.removeprefix("point: ") for kind in KINDS if kind.startswith("point: ")} == set(POINTS)


@pytest.mark.parametrize("variant", [[], ["--variant", "recovery=strict"]])
def test_without_kills_the_command_says_no(variant: list[str]) -> None:
    """It fails where it has killed nobody, of the good executor as of a broken one: zeros alone mean nothing."""
    code, _, counted = crash("--store", "sqlite", "--rounds", "0", *variant)
    assert counted["counts"] == dict.fromkeys(CHECKS, 0)
    assert sum(counted["kills"].values()) == 0
    assert code == 1


@pytest.mark.long
def test_no_kill_at_any_site_of_any_saga_does_harm(store: list[str]) -> None:
    """Killed at every site of every saga, for each node and each time that it is come to."""
    survives(*store, "--rounds", "10", "--every")


@pytest.mark.long
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_broken_variant_is_seen_on_each_store(variant: str, store: list[str]) -> None:
    """Every variant is seen on every store."""
    shows(variant, *store, "--rounds", "2")
