"""Where text for people goes: rendered by rich at the width of the terminal, or plain at 120 columns.

Standard output carries what was asked for; standard error speaks to the person (progress, files written, mistakes).
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sagacheck._errors import InputError

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["PLAIN_WIDTH", "OutputClosedError", "render", "tell", "write"]

PLAIN_WIDTH = 120
_NARROWEST = 60


class OutputClosedError(Exception):
    """Whoever reads our standard output has gone (`| head`): stop quietly."""


def render(parts: Iterable[RenderableType], *, terminal: bool) -> str:
    """The parts as text: styled and as wide as the terminal, or plain."""
    from rich.console import Console

    width = max(_NARROWEST, shutil.get_terminal_size((PLAIN_WIDTH, 24)).columns) if terminal else PLAIN_WIDTH
    buffer = io.StringIO()
    styles = {"force_terminal": terminal, "no_color": None if terminal else True}
    console = Console(file=buffer, width=width, markup=False, emoji=False, highlight=False, **styles)  # type: ignore[arg-type]
    for part in parts:
        console.print(part, crop=False)  # a command that is to be copied may be longer than a line
    text = buffer.getvalue()
    return text if terminal else "".join(line.rstrip() + "\n" for line in text.splitlines())


def write(text: str) -> None:
    """Write to standard output.

    Raises:
        OutputClosedError: nobody reads it any more.
        InputError: it cannot be written for another reason, such as a full disk.
    """
    stream = sys.stdout
    try:
        stream.write(text)
        stream.flush()
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        write(text.encode(encoding, "replace").decode(encoding))
    except OSError as error:
        # What is still buffered would fail once more when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if isinstance(error, BrokenPipeError):
            raise OutputClosedError from None
        raise InputError(f"standard output cannot be written ({error.strerror or error})") from None


def tell(sentence: str) -> None:
    """Say something to the person at the terminal."""
    with contextlib.suppress(OSError):
        print(sentence, file=sys.stderr, flush=True)  # noqa: T201
