"""Claims about registering actions: what is found again by name, and what is refused before anything is changed."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import pytest

from sagaref._actions import Action, ActionRegistry
from sagaref._errors import BuildError


async def do(ctx: Any) -> None:
    """An action that does nothing."""


async def scaled(factor: int, ctx: Any) -> int:
    """An action that needs one more argument."""
    return factor * len(str(ctx))


def plain(ctx: Any) -> None:
    """A function that is not async."""


class Caller:
    """An object that can be called as an async function."""

    async def __call__(self, ctx: Any) -> None:
        """An action that does nothing."""

    async def method(self, ctx: Any) -> None:
        """A method that is an action."""


def test_an_action_is_found_again_as_it_was_registered() -> None:
    """All that `register` is given stands in the action, which it returns and `get` finds."""
    registry = ActionRegistry()
    made = registry.register("boot", do, undo=do, reads=["ip", "disk"], timeout=2.5)
    assert made == Action("boot", do, do, ("ip", "disk"), 2.5)
    assert registry.get("boot") is made
    assert "boot" in registry
    assert "stop" not in registry


def test_names_are_sorted() -> None:
    """The order of registration does not show."""
    registry = ActionRegistry()
    for name in ("b", "c", "a"):
        registry.register(name, do)
    assert registry.names() == ("a", "b", "c")


def test_a_decorated_function_is_registered_and_stays_as_it_is() -> None:
    """The decorator takes the same arguments and gives the function back."""
    registry = ActionRegistry()
    assert registry.action("boot", undo=do, reads=["ip"], timeout=1)(scaled) is scaled
    assert registry.get("boot") == Action("boot", scaled, do, ("ip",), 1)


@pytest.mark.parametrize(
    "function",
    [Caller(), Caller().method, functools.partial(scaled, 2), functools.partial(functools.partial(Caller()))],
    ids=["object", "method", "partial", "partials of an object"],
)
def test_whatever_is_called_as_an_async_function_is_an_action(function: Any) -> None:
    """Objects, methods and partials of async functions can be registered for both sides."""
    assert ActionRegistry().register("boot", function, function).do is function


Call = Callable[[ActionRegistry], object]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda r: r.register("old", do), BuildError, "action 'old' is registered already; choose another name"),
        (lambda r: r.action("old"), BuildError, "action 'old' is registered already"),
        (lambda r: r.register("", do), BuildError, "the name of an action must be one or more printable characters"),
        (lambda r: r.register("a\n", do), BuildError, "not 'a\\n'"),
        (lambda r: r.register(3, do), BuildError, "printable characters, not 3"),
        (lambda r: r.action(do), BuildError, "the name of an action must be"),
        (lambda r: r.register("new", plain), TypeError, "action new: `do` must be an async function, not <function"),
        (lambda r: r.action("new")(plain), TypeError, "action new: `do` must be an async function"),
        (lambda r: r.register("new", functools.partial(plain)), TypeError, "`do` must be an async function"),
        (lambda r: r.register("new", Caller), TypeError, "`do` must be an async function"),
        (lambda r: r.register("new", None), TypeError, "`do` must be an async function, not None"),
        (lambda r: r.register("new", do, plain), TypeError, "action new: `undo` must be an async function"),
        (lambda r: r.register("new", do, reads="ip"), TypeError, "`reads` is the text 'ip'; give a list of names"),
        (
            lambda r: r.register("new", do, reads=["ip", ""]),
            BuildError,
            "action new: what it reads must be one or more",
        ),
        (lambda r: r.register("new", do, timeout=0), BuildError, "a finite number of seconds above 0, not 0"),
        (lambda r: r.register("new", do, timeout=-0.5), BuildError, "not -0.5"),
        (lambda r: r.register("new", do, timeout=float("nan")), BuildError, "not nan"),
        (lambda r: r.register("new", do, timeout=float("inf")), BuildError, "not inf"),
        (lambda r: r.register("new", do, timeout=10**400), BuildError, "action new: its timeout is too large a number"),
        (lambda r: r.register("new", do, timeout=10**5000), BuildError, "its timeout is too large a number; leave it"),
        (lambda r: r.register("new", do, timeout=True), TypeError, "its timeout must be a number of seconds, not True"),
        (lambda r: r.register("new", do, timeout="1"), TypeError, "not '1'"),
    ],
)
def test_what_is_refused_changes_nothing(call: Call, error: type[Exception], words: str) -> None:
    """A wrong argument gives one sentence, and the registry is as it was."""
    registry = ActionRegistry()
    old = registry.register("old", do)
    with pytest.raises(error, match=re.escape(words)):
        call(registry)
    assert registry.names() == ("old",)
    assert registry.get("old") is old


def test_a_name_that_is_not_there_gives_the_one_that_was_meant() -> None:
    """The sentence names an action that looks alike, and says what to do where none does."""
    registry = ActionRegistry()
    registry.register("instance_boot", do)
    with pytest.raises(BuildError, match=r"^no action 'instnce_boot' is registered; did you mean 'instance_boot'\?$"):
        registry.get("instnce_boot")
    with pytest.raises(BuildError, match=r"^no action 'xyz' is registered; register it before building or resuming"):
        registry.get("xyz")
