"""What the demo says, and how it ends early: each of these is one sentence, or none, and an exit code."""

from __future__ import annotations

import contextlib
import os
import sys

from sagaref._cause import printable
from sagaref._errors import SagaError

__all__ = ["BadInput", "Interrupted", "OutputClosed", "complain", "say", "why"]


class BadInput(SagaError):  # noqa: N818  (whose fault it is, in a word)
    """What the user gave cannot be used; the sentence says why."""


class Interrupted(SagaError):  # noqa: N818
    """Ctrl-C came while sagas ran."""


class OutputClosed(SagaError):  # noqa: N818
    """Nobody reads standard output any more (`| head`)."""


def say(text: str = "", end: str = "\n") -> None:
    """Write to standard output.

    Raises:
        OutputClosed: nobody reads it any more.
        BadInput: it cannot be written for another reason, such as a full disk.
    """
    stream = sys.stdout
    try:
        stream.write(text + end)
        stream.flush()
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        say(text.encode(encoding, "replace").decode(encoding), end)
    except OSError as error:
        # What is still buffered would fail once more when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if isinstance(error, BrokenPipeError):
            raise OutputClosed from None
        raise BadInput(f"standard output cannot be written: {why(error)}") from None


def complain(sentence: str) -> None:
    """Write a sentence to standard error, with what is not printable escaped."""
    with contextlib.suppress(OSError):
        sys.stderr.write(f"sagaref: {printable(sentence)}\n")


def why(error: Exception) -> str:
    """The reason of a failure of the operating system, without its number and the name of the file."""
    return (isinstance(error, OSError) and error.strerror) or str(error)
