"""The cause of a failure, as the log keeps it: it can always be written, and always be read.

The text is a JSON object `{"error": ..., "message": ..., "detail": ...}`. A log may hold causes of other making; what
is none of ours is shown as it is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sagaref._errors import ActionFailed
from sagaref._json import NotJson, to_text

__all__ = ["Cause", "described", "one_line", "printable"]


@dataclass(frozen=True)
class Cause:
    """Why an action or an undo action failed.

    Attributes:
        error: the name of the exception, or of what was done to the run (InjectedError, Cancelled).
        message: its text.
        detail: the JSON value that the action gave with it, or None.
    """

    error: str
    message: str
    detail: Any = None

    def __str__(self) -> str:
        return f"{self.error}: {self.message}" if self.message else self.error

    @classmethod
    def of(cls, error: BaseException) -> Cause:
        """The cause that an exception is. A detail that is not JSON is left out, and the message says so."""
        message, detail = described(error), None
        if isinstance(error, ActionFailed):
            try:
                detail = json.loads(to_text(error.detail))
            except NotJson as reason:
                message = f"{message} (its detail is left out: {reason})"
        return cls(type(error).__name__, message, detail)

    @property
    def text(self) -> str:
        """The cause as JSON text."""
        return json.dumps({"error": self.error, "message": self.message, "detail": self.detail})

    @classmethod
    def read(cls, text: str) -> Cause:
        """The cause that a text of the log holds; a text of another form is the message of an unknown error."""
        try:
            value = json.loads(text)
            error, message = value["error"], value["message"]
        except (ValueError, TypeError, LookupError, RecursionError):
            return cls("unknown", text)
        return cls(str(error), str(message), value.get("detail"))


def described(error: BaseException) -> str:
    """The text of an exception, whatever its methods do, and without what no text file can hold."""
    try:
        return str(error).encode(errors="backslashreplace").decode()
    except BaseException:
        return "an exception that cannot be shown"


def one_line(text: str) -> str:
    """The text in one line, however long, with what is not printable escaped."""
    return printable(" ".join(text.split()))


def printable(text: str) -> str:
    """The text with what is not printable escaped, so that no terminal obeys it."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
