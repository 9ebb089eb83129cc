"""The options of the commands: what is the same for every specification, and what the domain adds at run time."""

from __future__ import annotations

import inspect
import math
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from sagacheck._console import tell
from sagacheck._domain import Domain, Option
from sagacheck._errors import InputError
from sagacheck._explore import Limits

__all__ = [
    "AxisChanges", "DesignName", "MaxMemory", "MaxSeconds", "MaxStates", "OutputFile", "PropertyNames", "SpecOption",
    "bind", "changes", "escape_markup", "importable", "limits", "seconds_of",
]  # fmt: skip

LIMITS = "Limits (what is not decided by then is undetermined)"
OUTPUT = "Output"

SpecOption = Annotated[
    str | None,
    typer.Option("--spec", metavar="NAME|module:object", help="The specification to use instead of the default."),
]
DesignName = Annotated[str, typer.Option("--design", metavar="NAME", help="A named design.")]
AxisChanges = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="AXIS=VALUE", help="Change the design on one axis; repeatable."),
]
PropertyNames = Annotated[
    list[str] | None, typer.Option("--property", metavar="NAME", help="Only this one; repeatable. Default: all.")
]
OutputFile = Annotated[
    Path | None,
    typer.Option("--output", metavar="FILE", help="Write there instead of standard output.", rich_help_panel=OUTPUT),
]
MaxStates = Annotated[
    int | None, typer.Option("--max-states", metavar="N", min=1, help="Distinct states.", rich_help_panel=LIMITS)
]
MaxSeconds = Annotated[
    str | None, typer.Option("--max-seconds", metavar="S", help="Wall-clock seconds.", rich_help_panel=LIMITS)
]
MaxMemory = Annotated[
    str | None, typer.Option("--max-memory", metavar="SIZE", help="Of the process: 500M, 2G.", rich_help_panel=LIMITS)
]

INTERRUPTED = 3

_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([KMGT])i?B?", re.IGNORECASE)
_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_LEAST, _MOST = 2**20, 2**60  # bytes; a smaller limit is reached before anything is done
_LONGEST = 60


def limits(states: int | None, seconds: str | None, memory: str | None) -> Limits:
    """The limits that the options name. Raises InputError for what is no amount."""
    return Limits(states, seconds_of(seconds), _size(memory))


def seconds_of(text: str | None, option: str = "--max-seconds") -> float | None:
    """An amount of seconds; None for none. Raises InputError for what is no amount."""
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise InputError(f"{option} {_short(text)}: give a number of seconds greater than 0")
    return value


def _size(text: str | None) -> int | None:
    if text is None:
        return None
    found = _SIZE.fullmatch(text.strip())
    size = float(found[1]) * _UNITS[found[2].upper()] if found else 0.0
    if not _LEAST <= size <= _MOST:
        raise InputError(f"--max-memory {_short(text)}: give a size of 1M or more with its unit, such as 500M or 2G")
    return int(size)


def _short(text: str) -> str:
    """What the user wrote, or the beginning of it."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def changes(texts: Sequence[str]) -> dict[str, str]:
    """The axes that `--set axis=value` changes. Raises InputError for another form, and for an axis set twice."""
    result: dict[str, str] = {}
    for text in texts:
        axis, equals, value = text.partition("=")
        if not equals or not axis or not value:
            raise InputError(f"--set {text}: give axis=value")
        if result.get(axis, value) != value:
            raise InputError(f"--set {text}: the axis {axis!r} is already set to {result[axis]!r}")
        result[axis] = value
    return result


def importable(option: str, selected: str, what: str) -> None:
    """Make the current directory importable, for an option that selects by module:object.

    Raises:
        InputError: the module or the object has no name.
    """
    if ":" not in selected:
        return
    if not all(selected.split(":", 1)):
        raise InputError(f"{option} {selected}: give the name of {what}, or module:object")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)


def escape_markup(text: str) -> str:
    """Text that help pages show as it is."""
    return text.replace("[", "\\[")


def bind(
    function: Callable[..., int],
    domain: Domain,
    *,
    structure: str | None = None,
    environment: bool = True,
    defaults: Mapping[str, str] | None = None,
) -> Callable[..., int]:
    """The command, with the options of the domain in place of its parameters `structure` and `environment`.

    Args:
        function: its parameters `structure: str` and `environment: Mapping[str, str]` are filled from the options.
        domain: whose options.
        structure: the default structure; None for a command that takes none.
        environment: whether it takes the environment's options.
        defaults: parameter -> a default that depends on the domain.
    """
    declared = inspect.signature(function, eval_str=True).parameters.values()
    own = [p for p in declared if p.name not in ("structure", "environment")]
    own = [p.replace(default=defaults[p.name]) if defaults and p.name in defaults else p for p in own]
    options = {_identifier(o): o for o in domain.environment} if environment else {}
    added = [_parameter(i, o, o.default, domain) for i, o in options.items()]
    if structure is not None:
        added.insert(0, _parameter("structure", domain.structure, structure, domain))

    def run(**values: Any) -> int:
        chosen: Mapping[str, str] = {o.name: values.pop(i) for i, o in options.items()}
        if environment:
            values["environment"] = chosen
        try:
            return function(**values)
        except KeyboardInterrupt:  # which Typer would not let through
            tell("interrupted")
            return INTERRUPTED

    run.__name__ = function.__name__
    run.__doc__ = function.__doc__
    parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
    run.__signature__ = inspect.Signature([*parameters, *added], return_annotation=int)  # type: ignore[attr-defined]
    run.__annotations__ = {}
    return run


def _identifier(option: Option) -> str:
    return "domain_" + option.name.replace("-", "_")


def _parameter(identifier: str, option: Option, default: str, domain: Domain) -> inspect.Parameter:
    said = typer.Option(
        f"--{option.name}",
        metavar=escape_markup(option.metavar),
        help=escape_markup(option.doc),
        rich_help_panel=f"The model ({domain.name})",
    )
    return inspect.Parameter(
        identifier, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[str, said]
    )
