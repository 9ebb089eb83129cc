"""What is printed: a table of the kills and one of the counts, with a column for each store; or the same as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._judge import CHECKS
from ._sites import KINDS
from ._tally import Tally
from ._variants import Variant

__all__ = ["as_expected", "to_json", "to_text"]

_ENDED = {"succeeded": "succeeded", "unwound": "were unwound", "stuck": "got stuck"}


def as_expected(variant: Variant, tally: Tally) -> bool:
    """Whether all counts are 0 and there was a kill of every kind; of a broken variant, whether it shows."""
    if variant.shows:
        return tally.counts[variant.shows] > 0
    return not tally.counts.total() and not tally.never_killed


def to_json(name: str, variant: Variant, tallies: Mapping[str, tuple[Tally, float]]) -> dict[str, Any]:
    """The report as a JSON value."""
    return {
        "variant": name,
        "shows": variant.shows,
        "as_expected": all(as_expected(variant, tally) for tally, _ in tallies.values()),
        "stores": {
            store: {
                "lives": tally.lives,
                "processes": tally.processes,
                "sagas": tally.sagas,
                "recoveries": tally.recoveries,
                "endings": dict(tally.endings),
                "kills": {kind: tally.kills[kind] for kind in (*KINDS, *sorted(set(tally.kills) - set(KINDS)))},
                "counts": {check: tally.counts[check] for check in CHECKS},
                "found": tally.found,
                "seconds": round(seconds, 1),
            }
            for store, (tally, seconds) in tallies.items()
        },
    }


def to_text(report: Mapping[str, Any], what: str) -> str:
    """The report as people read it."""
    stores: Mapping[str, Mapping[str, Any]] = report["stores"]
    lines = [f"{report['variant']}: {what}", "", _row("", list(stores))]
    numbers = ("lives", "processes", "sagas", "recoveries", "seconds")
    lines += [_row(name, [store[name] for store in stores.values()]) for name in numbers]
    endings = sorted({ending for store in stores.values() for ending in store["endings"]})
    lines += [_row(f"sagas that {_ENDED[e]}", [s["endings"].get(e, 0) for s in stores.values()]) for e in endings]
    lines += ["", _row("kills", [sum(store["kills"].values()) for store in stores.values()])]
    kinds = dict.fromkeys(kind for store in stores.values() for kind in store["kills"])
    lines += [_row(f"  {kind}", [store["kills"].get(kind, 0) for store in stores.values()]) for kind in kinds]
    lines += ["", "counted"]
    for check in CHECKS:
        mark = "  (expected: this is what is broken)" if check == report["shows"] else ""
        lines.append(_row(f"  {check}", [store["counts"][check] for store in stores.values()]) + mark)
    found = [f"  {store}: {one}" for store, values in stores.items() for one in values["found"]]
    lines += ["", "the first of them:", *found] if found else []
    missed = [f"{k} ({store})" for store, v in stores.items() for k in KINDS if not v["kills"][k]]
    if missed and not report["shows"]:
        lines += ["", f"nobody died at: {', '.join(missed)}"]
    return "\n".join([*lines, "", "as expected" if report["as_expected"] else "NOT AS EXPECTED", ""])


def _row(name: str, values: list[Any]) -> str:
    return f"{name:66}" + "".join(f"{value:>10}" for value in values)
