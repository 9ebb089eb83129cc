"""One generated part of a page, and what all pages share in writing Markdown."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sagacheck import InputError
from sagacheck._cli import main

__all__ = ["Block", "command_output", "one_line", "table"]


@dataclass(frozen=True)
class Block:
    """A generated part.

    Attributes:
        name: unique over all pages.
        make: makes its text.
        slow: it takes many seconds, and its test is one of the long ones.
    """

    name: str
    make: Callable[[], str]
    slow: bool = False


def one_line(text: str) -> str:
    """The text as a cell of a table: on one line, with nothing that ends the cell."""
    return " ".join(text.split()).replace("|", "\\|")


def table(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    head = list(titles)
    lines = [head, ["---"] * len(head), *map(list, rows)]
    return "\n".join("| " + " | ".join(map(one_line, cells)) + " |" for cells in lines)


def command_output(*arguments: str) -> str:
    """What `sagacheck` with these arguments prints, whether or not it is installed.

    Raises:
        InputError: the command refuses its arguments.
    """
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = main([arguments[0], "--spec=sagaspec:domain", *arguments[1:]])
    if code == 2:
        raise InputError(f"sagacheck {' '.join(arguments)} is refused")
    return out.getvalue()
