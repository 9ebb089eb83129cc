"""docs/designs.md: the axes, the named designs, and the table that decides every property for each design."""

from __future__ import annotations

from functools import cache

from generator.block import Block, command_output, table
from sagaspec import domain

__all__ = ["BLOCKS", "TRANSITIVE"]

TRANSITIVE = "a>b,a>c,b>c"
_FIRST = "fork-join:2"


def axes() -> str:
    """The axes with their values; the first value is the one of the conforming design."""
    return table(
        ("axis", "values", "what it decides"), ((f"`{a.name}`", " or ".join(a.values), a.doc) for a in domain.axes)
    )


def named() -> str:
    """The named designs with their settings and what they are."""
    designs = domain.designs
    rows = [[f"`{a.name}`", *(d.settings[a.name] for d in designs)] for a in domain.axes]
    told = "\n".join(f"- `{d.name}`: {d.doc}" for d in designs)
    return f"{told}\n\n{table(('axis', *(f'`{d.name}`' for d in designs)), rows)}"


@cache
def _output(dag: str) -> str:
    return command_output("designs", "--dag", dag, "--format", "markdown")


def _command(dag: str) -> str:
    return f"```\nsagacheck designs --dag '{dag}' --format markdown\n```"


def first_table() -> str:
    """The whole output of the command, with its key."""
    return f"{_command(_FIRST)}\n\n{_output(_FIRST)}"


def rows(dag: str) -> str:
    """The rows alone, and what they say in words: the key is that of the first table."""
    parts = _output(dag).strip().split("\n\n")
    return "\n\n".join([_command(dag), *(p for p in parts if p.startswith("| ")), parts[-1]])


BLOCKS = (
    Block("axes", axes),
    Block("named-designs", named),
    Block("table-fork-join", first_table),
    Block("table-transitive", lambda: rows(TRANSITIVE), slow=True),
    Block("table-chain", lambda: rows("chain:2"), slow=True),
)
