"""Implementations under test: what an entry point supplies so that traces can be forced upon it.

An implementation is a factory of connections, and a connection answers messages of JSON values, one reply each:

    {"command": "hello"}
        -> {"implementation", "language", "protocol", "steps", "internal"}: the steps of the specification that it can be
           made to take, and those that happen within the step before them
    {"command": "load", "document", "labels", "predicates", "environment"}
        -> {"outcome": "taken", "offers", "state"}: a new run begins
    {"command": "step", "step", "node"}
        -> {"outcome", "offers", "state"}: the outcome is "taken", "refused" (the step was not on offer) or "not reached"
           (it was on offer, but its actor never came to it)

`offers` lists the steps that could be taken next as {"step", "node"}; `state` gives the variables that can be seen, by
the names and values of the specification. Whatever is not in it is not compared.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from sagacheck._errors import InputError

__all__ = ["PROTOCOL", "Connection", "find_implementation", "implementations"]

GROUP = "sagacheck.implementations"
PROTOCOL = 1


class Connection(Protocol):
    """One conversation with an implementation."""

    def ask(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer a message."""
        ...

    def close(self) -> None:
        """End the conversation."""
        ...


def implementations() -> list[str]:
    """The names of the implementations that are installed."""
    return sorted({entry.name for entry in importlib.metadata.entry_points(group=GROUP)})


def find_implementation(name: str) -> Callable[[], Connection]:
    """The implementation of that name, or `module:object`.

    Raises:
        InputError: there is none, or it cannot be imported, or it is nothing that can be called.
    """
    try:
        if ":" in name:
            module, _, attribute = name.partition(":")
            found = getattr(importlib.import_module(module), attribute)
        else:
            entries = [e for e in importlib.metadata.entry_points(group=GROUP) if e.name == name]
            if not entries:
                known = ", ".join(implementations()) or "none"
                raise InputError(f"--impl {name}: no such implementation is installed; there are: {known}")
            found = entries[0].load()
    except InputError:
        raise
    except Exception as error:  # whatever the module of a user does when it is imported
        raise InputError(f"--impl {name}: importing it fails with {type(error).__name__}: {error}") from None
    if not callable(found):
        raise InputError(f"--impl {name}: this is a {type(found).__name__}, which cannot be called to make a connection")
    factory: Callable[[], Connection] = found
    return factory
