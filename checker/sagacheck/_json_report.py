"""The report of a check for programs: JSON, as `schemas/report.schema.json` says; and the table of designs likewise."""

from __future__ import annotations

import json
from typing import Any

from sagacheck._explore import Limits
from sagacheck._model import Model
from sagacheck._narration import narrate, what_is_wrong
from sagacheck._verdict import Exploration, Outcome, Result, Trace, Verdict

__all__ = ["limits_json", "report_json"]


def report_json(model: Model, result: Result, limits: Limits) -> str:
    """The report, as text."""
    report = {
        "format": "sagacheck-report-1",
        **model.identity(),
        "elements": list(result.ground.structure.labels),
        "limits": limits_json(limits),
        "verdict": result.verdict.value,
        "exit_code": result.exit_code,
        "properties": [_outcome(o) for o in result.outcomes],
        "exploration": _exploration(result.exploration),
    }
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


def limits_json(limits: Limits) -> dict[str, float | None]:
    """The limits by name; null is none."""
    return {"states": limits.states, "seconds": limits.seconds, "memory": limits.memory}


def _outcome(o: Outcome) -> dict[str, Any]:
    wrong = what_is_wrong(o.property, o.trace, o.element) if o.trace and o.verdict is Verdict.VIOLATED else o.reason
    labels = o.trace.ground.structure.labels if o.trace else ()
    return {
        "name": o.property.name,
        "kind": o.property.kind.value,
        "verdict": o.verdict.value,
        "reason": o.reason,
        "wrong": wrong if o.verdict is Verdict.VIOLATED else "",
        "element": None if o.element is None else labels[o.element],
        "trace": _trace(o.trace) if o.trace else None,
    }


def _trace(trace: Trace) -> dict[str, Any]:
    labels = trace.ground.structure.labels
    steps = [
        {
            "action": line.step.action.name,
            "elements": [labels[e] for e in line.step.elements],
            "actor": line.step.action.actor,
            "text": line.text,
        }
        for line in narrate(trace)
    ]
    return {"length": len(steps), "loop": trace.loop, "steps": steps}


def _exploration(e: Exploration) -> dict[str, Any]:
    return {
        "states": e.states,
        "steps": e.steps,
        "depth": e.depth,
        "seconds": round(e.seconds, 6),
        "states_per_second": round(e.states / e.seconds) if e.seconds else 0,
        "peak_memory": e.peak_memory,
        "bytes_per_state": e.state_bytes,
        "complete": e.complete,
        "stopped": e.stopped,
        "coverage": {name: {"enabled": c.enabled, "new": c.new} for name, c in e.coverage.items()},
    }
