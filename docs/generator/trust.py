"""docs/trust.md: the records of docs/crosscheck in numbers, and the inductive argument as its text has it."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from generator.block import Block, table
from sagacheck._narration import first_sentence
from sagaspec import domain

__all__ = ["BLOCKS"]

_RECORDS = Path(__file__).resolve().parents[1] / "crosscheck"


def _record(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((_RECORDS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def _tlc() -> str:
    record = _record("tlc")
    of = defaultdict(list)
    for row in record["rows"]:
        of[row["dag"], row["crashes"]].append(row)
    rows = []
    for (dag, crashes), found in of.items():
        compared = [r for r in found if r["compared"]]
        rows.append(
            (
                f"`{dag}`",
                crashes,
                str(len(compared)),
                str(sum(r["agree"] for r in compared)),
                f"{sum(r['states'] for r in compared):,}",
                str(sum(r["graph_compared"] for r in compared)),
                str(sum(r["verdicts_agreed"] for r in compared)),
                f"{sum(r['seconds'] for r in compared):,.0f}",
            )
        )
    titles = ("saga", "crashes", "designs", "agree", "states", "graphs", "verdicts", "seconds")
    left = [r for r in record["rows"] if not r["compared"]]
    less = "".join(f"\n- `{r['design']}` on `{r['dag']}`, crashes={r['crashes']}: {r['reason']}" for r in left)
    t = record["totals"]
    said = (
        f"{t['agree']} of {t['compared']} comparisons agree: {t['states']:,} states, {t['graphs']} graphs, "
        f"{t['verdicts_agreed']:,} verdicts, {t['seconds'] / 60:.0f} minutes (`{record['command']}`)."
    )
    return f"{said}\n\n{table(titles, rows)}" + (f"\n\nNot compared:\n{less}" if left else "")


def _bounded() -> str:
    record = _record("bounded")
    of = defaultdict(list)
    for row in record["rows"]:
        of[row["dag"], row["way"], row["bound"]].append(row)
    rows = [
        (
            f"`{dag}`",
            way,
            str(bound),
            str(len(found)),
            str(sum(r["agree"] for r in found)),
            str(sum(len(r["violated"]) for r in found)),
            str(max((n for r in found for n in r["violated"].values()), default=0)),
            f"{sum(r['seconds'] for r in found):,.0f}",
        )
        for (dag, way, bound), found in of.items()
    ]
    titles = ("saga", "way", "bound", "designs", "agree", "violations", "longest", "seconds")
    t = record["totals"]
    said = f"{t['agree']} of {t['rows']} searches agree, {t['violations']} violations (`{record['command']}`)."
    return f"{said}\n\n{table(titles, rows)}"


def _proof() -> str:
    record = _record("proof")
    rows = []
    for rule, words in (
        ("initial", "true in the initial state"),
        ("step", "preserved by an action"),
        ("lemma", "a lemma follows"),
        ("property", "a property follows"),
    ):
        found = [o for o in record["obligations"] if o["rule"] == rule]
        proved = sum(o["answer"] == "proved" for o in found)
        slowest = max(found, key=lambda o: o["seconds"])
        name = " / ".join(x for x in (slowest["action"], slowest["claim"]) if x)
        rows.append((words, str(len(found)), str(proved), f"{sum(o['seconds'] for o in found):.1f}", name))
    titles = ("obligations", "how many", "proved", "seconds", "the slowest")
    actions = len({o["action"] for o in record["obligations"] if o["action"]})
    said = (
        f"{actions} actions, {len(record['invariant'])} parts, {len(record['lemmas'])} lemmas, "
        f"{len(record['properties'])} properties: {record['total']} obligations, in {record['seconds']:.0f} seconds "
        f"(`sagacheck prove`, which prints the table of all)."
    )
    return f"{said}\n\n{table(titles, rows)}"


def _large() -> str:
    record = _record("instance_start")
    steps = [o for o in record["obligations"] if o["rule"] == "step"]
    proved = sum(o["answer"] == "proved" for o in record["obligations"])
    verdicts = {p["verdict"] for p in record["properties"]}
    slowest = max(steps, key=lambda o: o["seconds"])
    said = "every *always* property holds" if verdicts == {"holds"} else "not everything is proved"
    return (
        f"`instance_start` (26 nodes, 12 of them in parallel): {proved} of {record['total']} obligations proved in "
        f"{record['seconds']:.0f} seconds, the slowest {slowest['action']} / {slowest['claim']} in "
        f"{slowest['seconds']:.0f} seconds; {said} (`sagacheck prove --dag instance_start`)."
    )


def _axioms() -> str:
    rows = ((f"`{a['name']}`", a["claim"], a["because"]) for a in _argument()["axioms"])
    return table(("axiom", "of every node", "because"), rows)


def _invariant() -> str:
    argument = _argument()
    parts = table(("part", "claim"), ((f"`{p['name']}`", p["claim"]) for p in argument["invariant"]))
    rows = ((f"`{x['name']}`", x["claim"], x["induction"] or "at once") for x in argument["lemmas"])
    return f"{parts}\n\n{table(('lemma', 'claim', 'by induction along'), rows)}"


def _argument() -> dict[str, list[dict[str, Any]]]:
    """The argument as the specification has it now."""
    assert domain.argument is not None
    s = domain.argument.specify(domain.design(domain.default).settings, {})
    return {
        "axioms": [{"name": a.name, "claim": first_sentence(a.doc), "because": a.because} for a in s.axioms],
        "invariant": [{"name": p.name, "claim": first_sentence(p.doc)} for p in s.invariant],
        "lemmas": [{"name": x.name, "claim": first_sentence(x.doc), "induction": x.induction} for x in s.lemmas],
    }


BLOCKS = (
    Block("trust-tlc", _tlc),
    Block("trust-bounded", _bounded),
    Block("trust-proof", _proof),
    Block("trust-large", _large),
    Block("trust-axioms", _axioms),
    Block("trust-invariant", _invariant),
)
