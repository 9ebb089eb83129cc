"""The bounded search and the explorer on the same models: which properties, at which depth.

    python -m tests.prove.bounded_record --output docs/crosscheck/bounded.json [--resume] [--dag DAG]...

One row for each design, saga and way of the search ("listed": state by state; "unrolled": each length as one formula,
to a smaller bound): what z3 found within the bound, of how many steps, and whether it is what the explorer finds. A row
in which they disagree says how, and makes the exit code 1. The file is written again after each row; with --resume,
rows that are there are kept.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sagacheck import Domain, Kind, Outcome, Result, Verdict, check
from sagacheck._bounded import bounded
from sagacheck._domain import Design
from sagaspec import domain as sagas

__all__ = ["CASES", "DAGS", "Compared", "compare", "every_design"]

DAGS = ("chain:2", "a,b", "fork-join:2", "a>b,b>c,a>c")
WAYS = {"listed": (32, 20_000), "unrolled": (12, 0)}  # the bound, and how many states may be listed


def every_design(domain: Domain = sagas) -> tuple[Design, ...]:
    """The named designs, then those one axis away from the default one."""
    named = tuple(domain.design(d.name) for d in domain.designs)
    known = [dict(d.settings) for d in named]
    return (*named, *(d for d in domain.deviations() if dict(d.settings) not in known))


CASES = tuple((design, dag, way) for way in WAYS for dag in DAGS for design in every_design())


@dataclass(frozen=True)
class Compared:
    """What z3 found, in so many seconds, and what is not as the explorer has it."""

    result: Result
    bound: int
    seconds: float
    differences: tuple[str, ...]

    @property
    def lengths(self) -> dict[str, int]:
        """Steps of the shortest counterexample or witness, by property."""
        return {o.property.name: len(o.trace.steps) for o in self.result.outcomes if o.trace is not None}


def compare(
    domain: Domain, design: Design, structure: str, bound: int, listed: int, found: Result | None = None
) -> Compared:
    """Search both ways, to any depth and to the bound.

    Args:
        found: what is held against the explorer, where it is known already.
    """
    environment = {o.name: o.default for o in domain.environment}
    specification, where = domain.specify(design.settings, environment), domain.load(structure, environment)
    explorer = check(specification, where)
    began = time.monotonic()
    result = found or bounded(specification, where, bound, listed=listed)
    seconds = time.monotonic() - began
    differences = [
        f"{o.property.name}: {said}"
        for o in result.outcomes
        if (said := _differing(o, explorer.of(o.property.name), bound))
    ]
    if result.exploration.complete and listed and result.exploration.states != explorer.exploration.states:
        differences.append(f"{result.exploration.states} states, the explorer has {explorer.exploration.states}")
    return Compared(result, bound, seconds, tuple(differences))


def _differing(ours: Outcome, theirs: Outcome, bound: int) -> str:
    """What the two do not agree on; "" where they agree."""
    if ours.property.kind is Kind.EVENTUALLY:
        return "" if ours.verdict is Verdict.NOT_CHECKED else "a bounded search cannot decide it"
    length = None if ours.trace is None else len(ours.trace.steps)
    shortest = None if theirs.trace is None else len(theirs.trace.steps)
    if length != (None if shortest is None or shortest > bound else shortest):
        return f"{length} steps, the explorer has {shortest}"
    if ours.verdict is not theirs.verdict and (length is not None or ours.verdict is not Verdict.UNDETERMINED):
        return f"{ours.verdict.value}, the explorer has {theirs.verdict.value}"
    return ""


def row(design: Design, dag: str, way: str) -> dict[str, Any]:
    """What came of one comparison, as JSON values."""
    bound, listed = WAYS[way]
    found = compare(sagas, design, dag, bound, listed)
    compared = [o.property for o in found.result.outcomes if o.verdict is not Verdict.NOT_CHECKED]
    violated = {o.property.name for o in found.result.outcomes if o.verdict is Verdict.VIOLATED}
    return {
        "design": design.name,
        "dag": dag,
        "way": way,
        "bound": bound,
        "properties": len(compared),
        "violated": {name: n for name, n in found.lengths.items() if name in violated},
        "reached": {name: n for name, n in found.lengths.items() if name not in violated},
        "states": found.result.exploration.states,
        "complete": found.result.exploration.complete,
        "agree": not found.differences,
        **({"differences": list(found.differences)} if found.differences else {}),
        "seconds": round(found.seconds, 1),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say; returns the exit code: 0 they agree everywhere, 1 they do not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="the JSON file")
    parser.add_argument("--resume", action="store_true", help="keep the rows that are in the file")
    parser.add_argument("--dag", action="append", choices=DAGS, help="only this one; repeatable")
    asked = parser.parse_args(arguments)
    output: Path = asked.output
    known = json.loads(output.read_text("utf-8"))["rows"] if asked.resume and output.exists() else []
    keys = {(r["design"], r["dag"], r["way"]): r for r in known}
    output.parent.mkdir(parents=True, exist_ok=True)
    made: list[dict[str, Any]] = []
    for design, dag, way in CASES:
        if asked.dag and dag not in asked.dag:
            continue
        made.append(keys.get((design.name, dag, way)) or row(design, dag, way))
        _write(output, made)
        sys.stdout.write(json.dumps(made[-1]) + "\n")
        sys.stdout.flush()
    return 0 if all(r["agree"] for r in made) else 1


def _write(output: Path, made: Sequence[dict[str, Any]]) -> None:
    totals = {
        "rows": len(made),
        "agree": sum(r["agree"] for r in made),
        "properties": sum(r["properties"] for r in made),
        "violations": sum(len(r["violated"]) for r in made),
        "longest": max((n for r in made for n in r["violated"].values()), default=0),
        "seconds": round(sum(r["seconds"] for r in made)),
    }
    lines = ",\n".join(json.dumps(r) for r in made)
    command = "python -m tests.prove.bounded_record --output docs/crosscheck/bounded.json"
    text = f'{{"command": "{command}",\n"totals": {json.dumps(totals)},\n"rows": [\n{lines}\n]}}\n'
    part = output.with_name(f".{output.name}.{os.getpid()}.part")
    part.write_text(text, "utf-8")
    part.replace(output)


if __name__ == "__main__":
    sys.exit(main())
