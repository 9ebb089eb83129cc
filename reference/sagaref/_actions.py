"""Actions, and the registry in which a saga, also one that another process began, finds them by name."""

from __future__ import annotations

import functools
import inspect
import math
import reprlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from sagaref._errors import BuildError

if TYPE_CHECKING:
    from sagaref._context import ActionContext

__all__ = ["Action", "ActionRegistry", "Do", "Undo", "check_name", "is_whole"]

Do: TypeAlias = "Callable[[ActionContext], Awaitable[Any]]"
Undo: TypeAlias = "Callable[[ActionContext], Awaitable[None]]"
_DoT = TypeVar("_DoT", bound="Do")


@dataclass(frozen=True)
class Action:
    """What a node runs, and what undoes it; made by `ActionRegistry.register`, which checks it.

    Attributes:
        name: under which nodes name it.
        do: the action; what it returns, a JSON value, is the output of the node.
        undo: the undo action; None if there is nothing to undo.
        reads: the names of the outputs that the action and its undo action may look up.
        timeout: seconds after which a run of either is cancelled and fails; None for no limit.
    """

    name: str
    do: Do
    undo: Undo | None = None
    reads: tuple[str, ...] = ()
    timeout: float | None = None


class ActionRegistry:
    """Actions by name. A saga is resumed with the actions that have these names then, so names outlive a release."""

    def __init__(self) -> None:
        self._actions: dict[str, Action] = {}

    def register(
        self, name: str, do: Do, undo: Undo | None = None, *, reads: Iterable[str] = (), timeout: float | None = None
    ) -> Action:
        """Add an action; `Action` says what the arguments mean. Whatever is refused leaves the registry as it was.

        Raises:
            BuildError: the name is registered already; it, or one in `reads`, is no text of one or more printable
                characters; the timeout is not a finite number above 0, or larger than a float can be.
            TypeError: an action or undo action is no async function, nor a `functools.partial` of one, nor an object
                whose `__call__` is one; `reads` is a text; the timeout is no number.
        """
        self._check_new(name)
        where = f"action {name}"
        _check_async(do, f"{where}: `do`")
        if undo is not None:
            _check_async(undo, f"{where}: `undo`")
        if isinstance(reads, str):
            raise TypeError(f"{where}: `reads` is the text {reads!r}; give a list of names")
        names = tuple(reads)
        for read in names:
            check_name(read, f"{where}: what it reads")
        _check_timeout(timeout, where)
        action = Action(name, do, undo, names, timeout)
        self._actions[name] = action
        return action

    def action(
        self, name: str, *, undo: Undo | None = None, reads: Iterable[str] = (), timeout: float | None = None
    ) -> Callable[[_DoT], _DoT]:
        """Decorate an async function to register it as an action; the function stays as it is.

        Raises as `register` does, for the name at once, for the rest when the function is there.
        """
        self._check_new(name)

        def registered(do: _DoT) -> _DoT:
            self.register(name, do, undo, reads=reads, timeout=timeout)
            return do

        return registered

    def get(self, name: str) -> Action:
        """The action of this name.

        Raises:
            BuildError: there is none; the sentence names one that looks alike.
        """
        if name not in self._actions:
            alike = get_close_matches(name, self._actions, 1)
            advice = f"did you mean {alike[0]!r}?" if alike else "register it before building or resuming the saga"
            raise BuildError(f"no action {name!r} is registered; {advice}")
        return self._actions[name]

    def __contains__(self, name: object) -> bool:
        return name in self._actions

    def names(self) -> tuple[str, ...]:
        """The names of all actions, sorted."""
        return tuple(sorted(self._actions))

    def _check_new(self, name: str) -> None:
        check_name(name, "the name of an action")
        if name in self._actions:
            raise BuildError(f"action {name!r} is registered already; choose another name")


def check_name(name: object, what: str) -> None:
    """Check that something is a name, of whatever kind of thing.

    Args:
        name: what may be one.
        what: what the sentence calls it.

    Raises:
        BuildError: it is no text of one or more printable characters.
    """
    if not (isinstance(name, str) and name and name.isprintable()):
        raise BuildError(f"{what} must be one or more printable characters, not {reprlib.repr(name)}")


def is_whole(value: object) -> bool:
    """Whether something is a whole number; True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def _check_async(function: object, what: str) -> None:
    inner = function
    while isinstance(inner, functools.partial):
        inner = inner.func
    if isinstance(inner, type) or not (
        inspect.iscoroutinefunction(inner) or inspect.iscoroutinefunction(getattr(inner, "__call__", None))  # noqa: B004
    ):
        raise TypeError(f"{what} must be an async function, not {function!r}; define it with `async def`")


def _check_timeout(timeout: object, where: str) -> None:
    if timeout is None:
        return
    if isinstance(timeout, bool) or not isinstance(timeout, int | float):
        raise TypeError(f"{where}: its timeout must be a number of seconds, not {reprlib.repr(timeout)}")
    try:
        seconds = float(timeout)
    except OverflowError:
        raise BuildError(f"{where}: its timeout is too large a number; leave it out for no limit") from None
    if not (math.isfinite(seconds) and seconds > 0):
        raise BuildError(f"{where}: its timeout must be a finite number of seconds above 0, not {timeout!r}")
