"""The JSON Schemas of what sagacheck writes and speaks: `schemas/`, which programs, tests and docs all load."""

from __future__ import annotations

import functools
import json
from importlib.resources import files
from typing import Any

__all__ = ["schema"]


@functools.cache
def schema(name: str) -> dict[str, Any]:
    """The schema of that name: "report", "designs", "proof", "replay", "conform", or the like of "protocol/step"."""
    text = files("sagacheck").joinpath("schemas", f"{name}.schema.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found
