"""Bring the TLA+ modules of the named designs up to date, with their manifest, or say which are not.

    python spec/tla/generate.py [--check]

The modules are what `sagacheck tla` writes for each named design; the manifest says what TLC finds on them, as the
explorer knows it. `tests/tla` holds both against TLC.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / room) for room in ("checker", "spec")]

from sagacheck import Design, Kind, Result, Verdict, check  # noqa: E402
from sagacheck._model import Model  # noqa: E402
from sagacheck._tla_commands import files_of  # noqa: E402
from sagaspec import domain  # noqa: E402

__all__ = ["DAG", "made", "model"]

DAG = "fork-join:2"  # two actions at the same time, then one: under 3000 states in every named design


def model(design: Design) -> Model:
    """The model whose modules are kept: the design on that saga, in the default environment."""
    return Model(domain, None, design, DAG, {o.name: o.default for o in domain.environment})


def made() -> dict[str, str]:
    """What the folder holds: path in it -> text."""
    texts: dict[str, str] = {}
    entries: list[dict[str, Any]] = []
    for design in domain.designs:
        m = model(design)
        files = files_of(m, ["--design", design.name, f"--{domain.structure.name}", DAG])
        texts |= {f"{design.name}/{name}": text for name, text in files.items()}
        main, mc, config = files
        result = check(m.specification(), m.load())
        entry = {"design": design.name, "folder": design.name, "module": main, "model": mc, "config": config}
        entries.append({**entry, domain.structure.name: DAG, **_expected(result)})
    rows = ",\n".join(json.dumps(e, indent=1) for e in entries)
    texts["manifest.json"] = f'{{\n"options": "-deadlock -workers 1",\n"models": [\n{rows}\n]\n}}\n'
    return texts


def _expected(result: Result) -> dict[str, Any]:
    """What TLC finds: `violated` names what it can stop at; states and depth are those of a complete search."""
    of = {kind: [o for o in result.outcomes if o.property.kind is kind] for kind in Kind}
    states = [o.property.name for o in of[Kind.ALWAYS] if o.verdict is Verdict.VIOLATED]
    lasting = [o.property.name for o in of[Kind.EVENTUALLY] if o.verdict is Verdict.VIOLATED]
    verdict = "safety failure" if states else "liveness failure" if lasting else "success"
    return {
        "result": verdict,
        "violated": [*states, *lasting],
        "reached": [o.property.name for o in of[Kind.SOMETIMES] if o.verdict is Verdict.HOLDS],
        "distinct_states": result.exploration.states,
        "depth": result.exploration.depth + 1,  # TLC counts the states on a path
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say; returns the exit code: 0 done, 1 out of date."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if anything is out of date")
    asked = parser.parse_args(arguments)
    changed = []
    for name, text in made().items():
        path = HERE / name
        if not path.exists() or path.read_text("utf-8") != text:
            changed.append(name)
            if not asked.check:
                path.parent.mkdir(exist_ok=True)
                path.write_text(text, "utf-8")
    for name in changed:
        sys.stdout.write(f"{'out of date' if asked.check else 'changed'}: {name}\n")
    return 1 if changed and asked.check else 0


if __name__ == "__main__":
    sys.exit(main())
