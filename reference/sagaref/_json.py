"""JSON values as text: what an output, a cause or a parameter is kept as."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["NotJson", "to_text"]


class NotJson(ValueError):  # noqa: N818  (it says what a value is)
    """A value is no JSON value; the text says why."""


def to_text(value: Any) -> str:
    """The JSON text of a value that reads back as that value.

    Raises:
        NotJson: it is none, or it would read back as something else (a tuple, a key that is no text, NaN).
    """
    try:
        text = json.dumps(value, allow_nan=False)
        back = json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise NotJson(f"{_described(value)} is not JSON: {error}") from None
    if back != value:
        raise NotJson(f"{_described(value)} is not JSON: it would read back as {type(back).__name__} {text[:60]}")
    return text


def _described(value: Any) -> str:
    return f"a value of type {type(value).__name__}"
