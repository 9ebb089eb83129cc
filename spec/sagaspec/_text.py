"""How a value that a user gave is shown in the one sentence that refuses it: short, printable, with what was meant."""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterable

__all__ = ["close_matches", "plain", "quoted"]

_REPR = reprlib.Repr()
_REPR.maxstring = 60
_REPR.maxother = 60
_LONGEST = 80  # characters that are compared when looking for what was meant


def quoted(value: object) -> str:
    """Show a value in quotes, shortened in the middle, with every unprintable character escaped."""
    return _REPR.repr(value)


def plain(text: str) -> str:
    """Show a file name or another place as it is, or quoted where it holds unprintable characters."""
    return text if text.isprintable() else repr(text)


def close_matches(text: str, options: Iterable[str]) -> str:
    """Name the options that look most like a text.

    Args:
        text: what the user wrote.
        options: what would have been right.

    Returns:
        ``"a"``, ``"a or b"`` or ``"a, b or c"``, best first; the empty string where nothing looks alike.
    """
    found = difflib.get_close_matches(text[:_LONGEST], dict.fromkeys(options), n=3)
    return " or ".join(part for part in (", ".join(found[:-1]), *found[-1:]) if part)
