"""TLC on everything: each named design and each design one axis away from the default one, on many sagas.

    python -m tests.tla.crosscheck --output docs/crosscheck/tlc.json [--resume] [--dag DAG]... [--most-states N]

One row for each design, saga and environment: how many states the explorer and TLC found, how deep, on which properties
they agree, whether the state graphs were compared, and how long TLC took. A row in which they disagree says how, and
makes the exit code 1. The file is written again after each row; with --resume, rows that are there are kept.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(p) for p in (HERE, ROOT / "checker", ROOT / "spec") if str(p) not in sys.path]

import tlc  # noqa: E402
from agreement import Compared, Found, by_explorer, compare, model  # noqa: E402

from sagacheck._domain import Design  # noqa: E402
from sagaspec import domain  # noqa: E402

__all__ = ["CASES", "DAGS", "every_design", "row"]

# Of these, the last four are irregular: a short cut past a node, the same with a tail, two roots, the letter N.
DAGS = ("chain:2", "fork-join:2", "diamond", "a>b,a>c,b>c", "a>b,a>c,b>c,c>d", "a,b>c", "a>c,b>c,b>d")
CRASHES = ("any", "0")
MOST_STATES = 60_000


def every_design() -> tuple[Design, ...]:
    """The named designs, then those one axis away from the default one."""
    named = tuple(domain.design(d.name) for d in domain.designs)
    known = [dict(d.settings) for d in named]
    return (*named, *(d for d in domain.deviations() if dict(d.settings) not in known))


CASES = tuple((design, dag, crashes) for dag in DAGS for crashes in CRASHES for design in every_design())


def row(design: Design, dag: str, crashes: str, most: int = MOST_STATES) -> dict[str, Any]:
    """What came of one comparison, as JSON values."""
    m = model(domain, design, dag, crashes=crashes)
    said: dict[str, Any] = {"design": design.name, "dag": dag, "crashes": crashes}
    explorer = by_explorer(m, most)
    if explorer is None:
        return {**said, "compared": False, "reason": f"more than {most} states"}
    with tempfile.TemporaryDirectory() as folder:
        found = compare(m, Path(folder), explorer=explorer)
    return {**said, "compared": True, **_told(found)}


def _told(found: Compared) -> dict[str, Any]:
    ours, theirs = found.explorer, found.tlc
    agreed = sorted(name for name, holds in ours.verdicts.items() if theirs.verdicts.get(name) is holds)
    told: dict[str, Any] = {
        "states": ours.states,
        "depth": ours.depth,
        "verdicts": len(ours.verdicts),
        "verdicts_agreed": len(agreed),
        "violated": sorted(name for name, holds in ours.verdicts.items() if not holds),
        "graph_compared": ours.graph is not None,
        "edges": None if ours.graph is None else len(ours.graph[1]),
        "agree": ours == theirs,
        "seconds": round(found.seconds, 1),
    }
    return told if ours == theirs else {**told, "tlc": _differing(ours, theirs)}


def _differing(ours: Found, theirs: Found) -> dict[str, Any]:
    names = [n for n, holds in ours.verdicts.items() if theirs.verdicts.get(n) is not holds]
    told: dict[str, Any] = {"states": theirs.states, "depth": theirs.depth, "verdicts": names}
    if ours.graph is not None and theirs.graph is not None:
        told["edges_only_ours"] = len(ours.graph[1] - theirs.graph[1])
        told["edges_only_tlc"] = len(theirs.graph[1] - ours.graph[1])
    return told


def rows(
    cases: Sequence[tuple[Design, str, str]], known: Sequence[dict[str, Any]], most: int
) -> Iterator[dict[str, Any]]:
    """A row for each case; those that are known are not made again."""
    keys = {(r["design"], r["dag"], r["crashes"]): r for r in known if r["compared"]}
    for design, dag, crashes in cases:
        yield keys.get((design.name, dag, crashes)) or row(design, dag, crashes, most)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say; returns the exit code: 0 they agree everywhere, 1 they do not, 2 TLC is not there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="the JSON file")
    parser.add_argument("--resume", action="store_true", help="keep the rows that are in the file")
    parser.add_argument("--dag", action="append", choices=DAGS, help="only this one; repeatable")
    parser.add_argument("--most-states", type=int, default=MOST_STATES, metavar="N", help="leave out larger models")
    asked = parser.parse_args(arguments)
    if tlc.absent():
        parser.error(tlc.absent())
    output: Path = asked.output
    known = json.loads(output.read_text("utf-8"))["rows"] if asked.resume and output.exists() else []
    output.parent.mkdir(parents=True, exist_ok=True)
    made: list[dict[str, Any]] = []
    wanted = [case for case in CASES if not asked.dag or case[1] in asked.dag]
    for r in rows(wanted, known, asked.most_states):
        made.append(r)
        _write(output, made)
        sys.stdout.write(json.dumps(r) + "\n")
        sys.stdout.flush()
    return 0 if all(r.get("agree", True) for r in made) else 1


def _write(output: Path, made: Sequence[dict[str, Any]]) -> None:
    totals = {
        "rows": len(made),
        "of": len(CASES),
        "compared": sum(r["compared"] for r in made),
        "agree": sum(r.get("agree", False) for r in made),
        "graphs": sum(r.get("graph_compared", False) for r in made),
        "states": sum(r.get("states", 0) for r in made),
        "verdicts_agreed": sum(r.get("verdicts_agreed", 0) for r in made),
        "seconds": round(sum(r.get("seconds", 0) for r in made)),
    }
    lines = ",\n".join(json.dumps(r) for r in made)
    command = "python -m tests.tla.crosscheck --output docs/crosscheck/tlc.json"
    text = f'{{"command": "{command}",\n"totals": {json.dumps(totals)},\n"rows": [\n{lines}\n]}}\n'
    part = output.with_name(f".{output.name}.{os.getpid()}.part")
    part.write_text(text, "utf-8")
    part.replace(output)


if __name__ == "__main__":
    sys.exit(main())
