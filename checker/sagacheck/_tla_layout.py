"""The layout of a module: rules, boxes, comments, lists of names with their meanings."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

__all__ = ["RULE", "WIDTH", "boxed", "comment", "commented", "enumerated", "indented", "listed", "section", "titled"]

WIDTH = 100  # columns of a line of TLA+
RULE = 79  # columns of a rule, and of the text in boxes


def titled(name: str) -> str:
    """The first line of a module."""
    title = f" MODULE {name} "
    left = (RULE - len(title)) // 2
    return "-" * left + title + "-" * (RULE - len(title) - left)


def enumerated(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def listed(words: Sequence[str], end: str) -> list[str]:
    return [f"{w}{',' if i < len(words) - 1 else end}" for i, w in enumerate(words)]


def indented(lines: Iterable[str], by: int = 4) -> list[str]:
    """The lines, moved to the right."""
    return [(" " * by + line).rstrip() for line in lines]


def comment(text: str) -> list[str]:
    """Text as comment lines; paragraphs stay apart."""
    lines: list[str] = []
    for i, paragraph in enumerate(text.strip().split("\n\n")):
        lines += ["\\*"] * bool(i)
        lines += [f"\\* {line}" for line in textwrap.wrap(" ".join(paragraph.split()), WIDTH - 3)]
    return lines


def boxed(paragraphs: Sequence[str]) -> list[str]:
    """Paragraphs in a box; one whose lines are indented stays as it is."""
    lines: list[str] = []
    for i, paragraph in enumerate(paragraphs):
        lines += [""] * bool(i)
        kept = paragraph.startswith("  ")
        lines += paragraph.splitlines() if kept else textwrap.wrap(" ".join(paragraph.split()), RULE - 6)
    rule = "(" + "*" * (RULE - 2) + ")"
    safe = (line.replace("(*", "( *").replace("*)", "* )") for line in lines)
    return [rule, *(f"(* {line:<{RULE - 6}} *)" for line in safe), rule]


def section(title: str, about: str = "") -> list[str]:
    return ["", "-" * RULE, *boxed([title, *([about] if about else [])]), ""]


def commented(rows: Sequence[tuple[str, str]], separator: str = ",") -> list[str]:
    """Names one a line, each with its meaning."""
    wide = max(len(name) for name, _ in rows) + len(separator)
    lines: list[str] = []
    for i, (name, said) in enumerate(rows):
        row = f"    {name + (separator if i < len(rows) - 1 else ''):<{wide}}"
        meaning = textwrap.wrap(said, WIDTH - len(row) - 5) or [""]
        lines.append(f"{row}  \\* {meaning[0]}" if said else row.rstrip())
        lines += [" " * len(row) + f"  \\* {more}" for more in meaning[1:]]
    return lines
