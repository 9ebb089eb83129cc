"""JSON values as text: what an output, a cause or a parameter is kept as."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["DEEPEST", "NotJson", "to_text"]

# How deep lists and objects may be nested: far less than what Python's reader of JSON can take, wherever it is called.
DEEPEST = 200


class NotJson(ValueError):  # noqa: N818  (it says what a value is)
    """A value is no JSON value; the text says why."""


def to_text(value: Any, deepest: int = DEEPEST) -> str:
    """The JSON text, in ASCII, of a value that reads back as that value.

    Raises:
        NotJson: it is none, or it would read back as something else (a tuple, a key that is no text, NaN); it has a
            text with a lone surrogate, which other readers of JSON refuse, or too long a number, or more than `deepest`
            lists and objects in one another.
    """
    try:
        text = json.dumps(value, allow_nan=False)
        back = json.loads(text)
        if text.count("[") + text.count("{") > deepest and _depth(back) > deepest:
            raise RecursionError(f"lists and objects in it are nested more than {deepest} deep")
        same = bool(back == value)
        if "\\ud" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except Exception as error:  # values have methods of their own
        raise NotJson(f"{_described(value)} is not JSON: {_reason(error)}") from None
    if not same:
        raise NotJson(f"{_described(value)} is not JSON: it would read back as {type(back).__name__} {text[:60]}")
    return text


def _depth(value: Any) -> int:
    """How many lists and objects of a value that was read from JSON are in one another."""
    depth, level = 0, [value]
    while level := [inner for inner in level if isinstance(inner, dict | list)]:
        level = [x for inner in level for x in (inner.values() if isinstance(inner, dict) else inner)]
        depth += 1
    return depth


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeEncodeError):
        return "a text in it has a lone surrogate"
    return str(error) if isinstance(error, TypeError | ValueError | RecursionError) else type(error).__name__


def _described(value: Any) -> str:
    return f"a value of type {type(value).__name__}"
