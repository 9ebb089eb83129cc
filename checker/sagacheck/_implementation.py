"""Finding an implementation under test: an entry point, or `module:object`, supplies a factory of connections.

A connection answers messages; which ones, `_protocol` says.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
from collections.abc import Callable, Iterator

from sagacheck._errors import ImplementationError, InputError
from sagacheck._protocol import Connection, called, described

__all__ = ["connected", "default_implementation", "find_implementation", "implementations"]

GROUP = "sagacheck.implementations"


def implementations() -> list[str]:
    """The names of the implementations that are installed."""
    return sorted({entry.name for entry in importlib.metadata.entry_points(group=GROUP)})


def default_implementation() -> str | None:
    """The name of the one that the distribution `sagacheck` itself supplies; None where that is not installed."""
    found = importlib.metadata.entry_points(group=GROUP)
    own = [e.name for e in found if e.dist is not None and e.dist.name == "sagacheck"]
    return own[0] if own else None


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
    except (Exception, SystemExit) as error:  # whatever the module of a user does when it is imported
        raise InputError(f"--impl {name}: importing it fails with {described(error)}") from None
    if not callable(found):
        raise InputError(
            f"--impl {name}: this is a {type(found).__name__}, which cannot be called to make a connection"
        )
    factory: Callable[[], Connection] = found
    return factory


@contextlib.contextmanager
def connected(factory: Callable[[], Connection]) -> Iterator[Connection]:
    """A new connection, which is closed at the end.

    Raises:
        ImplementationError: it cannot be made, or closed.
    """
    connection = called("making a connection", factory)
    for method in ("ask", "close"):
        if not callable(getattr(connection, method, None)):
            raise ImplementationError(f"it makes a {type(connection).__name__}, which has no method {method!r}")
    try:
        yield connection
    except BaseException:
        with contextlib.suppress(ImplementationError):  # the first one counts
            called("closing the connection", connection.close)
        raise
    called("closing the connection", connection.close)
