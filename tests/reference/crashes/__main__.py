"""The command line; `--help` says what there is."""

from __future__ import annotations

import argparse
import gc
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from postgres_server import NoPostgres, postgres_server

from ._places import Place, PostgresPlace, SqlitePlace
from ._plan import Plan, run
from ._report import as_expected, to_json, to_text
from ._tally import Tally
from ._variants import GOOD, VARIANTS


def main(arguments: Sequence[str] | None = None) -> int:
    """Kill, count, print; exit code 0 if all is as expected, 1 if not, 2 for bad arguments or no server."""
    given = _parse(arguments)
    variant = VARIANTS[given.variant] if given.variant else GOOD
    plan = Plan(given.rounds, given.every, given.seed, given.until_shown)
    tallies: dict[str, tuple[Tally, float]] = {}
    try:
        for store in ("sqlite", "postgres") if given.store == "all" else (given.store,):
            with _places(store, given.jobs, given.conninfo) as places:
                begun = time.monotonic()
                tally = run(plan, variant, places)
                tallies[store] = tally, time.monotonic() - begun
    except NoPostgres as error:
        sys.stderr.write(f"there is no PostgreSQL server: {error}\n")
        return 2
    report = to_json(given.variant or "conforming", variant, tallies)
    sys.stdout.write(json.dumps(report) + "\n" if given.json else to_text(report, variant.what))
    return 0 if all(as_expected(variant, tally) for tally, _ in tallies.values()) else 1


def _natural(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of 0 or more")
    return int(text)


def _positive(text: str) -> int:
    if not _natural(text):
        raise argparse.ArgumentTypeError("it must be 1 or more")
    return int(text)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m tests.reference.crashes", description="Kill processes that run sagas, recover, and count."
    )
    parser.add_argument("--store", choices=("sqlite", "postgres", "all"), default="all")
    parser.add_argument("--variant", choices=VARIANTS, help="an executor or store that is broken on purpose")
    parser.add_argument(
        "--rounds", type=_natural, default=3, metavar="N", help="kills at sites of each kind (default: 3)"
    )
    parser.add_argument("--every", action="store_true", help="and a kill at every site of every saga")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("--jobs", type=_positive, default=4, metavar="N", help="lives side by side (default: 4)")
    parser.add_argument("--until-shown", action="store_true", help="stop when the variant has shown what it is to show")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument(
        "--conninfo",
        action="append",
        help="a PostgreSQL database whose schema sagaref may be dropped, instead of a server of the command's own; "
        "several make as many jobs",
    )
    return parser.parse_args(arguments)


@contextmanager
def _places(store: str, jobs: int, conninfo: list[str] | None) -> Iterator[list[Place]]:
    if store == "sqlite":
        with tempfile.TemporaryDirectory(prefix="crashes-sqlite-") as home:
            yield [SqlitePlace(Path(home) / str(job) / "store") for job in range(jobs)]
    elif conninfo:
        yield [PostgresPlace(text) for text in conninfo]
    else:
        with postgres_server() as server:
            yield [PostgresPlace(server.conninfo(server.create_database())) for _ in range(jobs)]


if __name__ == "__main__":
    gc.freeze()  # what is there now is the same in every process that is forked
    sys.exit(main())
