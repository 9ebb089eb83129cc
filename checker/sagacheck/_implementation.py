"""Implementations under test: what an entry point supplies so that traces can be forced upon it.

An implementation is a factory of connections, and a connection answers messages of JSON values, one reply each:

    {"command": "hello"}
        -> {"implementation", "language", "protocol", "steps", "internal"}: the steps of the specification that it can
           be made to take, and those that happen within the step before them
    {"command": "load", "document", "labels", "predicates", "environment"}
        -> {"outcome": "taken", "offers", "state"}: a new run begins
    {"command": "step", "step", "node"}
        -> {"outcome", "offers", "state"}: the outcome is "taken", "refused" (the step was not on offer) or "not
           reached" (it was on offer, but its actor never came to it)

`offers` lists the steps that could be taken next as {"step", "node"}; `state` gives the variables that can be seen, by
the names and values of the specification. Whatever is not in it is not compared. `node` is the label of an element, or
None; a step of several elements can only be an internal one.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import reprlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sagacheck._errors import ImplementationError, InputError
from sagacheck._structure import Structure

__all__ = [
    "PROTOCOL", "Connection", "Conversation", "Hello", "Offer", "Reply", "connected", "default_implementation",
    "find_implementation", "implementations",
]  # fmt: skip

GROUP = "sagacheck.implementations"
PROTOCOL = 1
TAKEN, REFUSED, NOT_REACHED = OUTCOMES = ("taken", "refused", "not reached")

_KINDS: Mapping[str, type | tuple[type, ...]] = {"text": str, "number": int, "list": (list, tuple), "object": Mapping}


class Connection(Protocol):
    """One conversation with an implementation."""

    def ask(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer a message."""
        ...

    def close(self) -> None:
        """End the conversation."""
        ...


# Finding one ----------------------------------------------------------------------------------------------------------


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
        raise InputError(f"--impl {name}: importing it fails with {_described(error)}") from None
    if not callable(found):
        raise InputError(
            f"--impl {name}: this is a {type(found).__name__}, which cannot be called to make a connection"
        )
    factory: Callable[[], Connection] = found
    return factory


# Talking to one -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Hello:
    """What an implementation says of itself: its name, its language, the steps that it has."""

    implementation: str
    language: str
    steps: frozenset[str]
    internal: frozenset[str]


@dataclass(frozen=True)
class Offer:
    """A step that could be taken next; `element` is its label, or None."""

    step: str
    element: str | None

    def __str__(self) -> str:
        return self.step if self.element is None else f"{self.step}({self.element})"


@dataclass(frozen=True)
class Reply:
    """Where the implementation is after a message."""

    outcome: str
    offers: tuple[Offer, ...]
    state: Mapping[str, Any]


@contextlib.contextmanager
def connected(factory: Callable[[], Connection]) -> Iterator[Connection]:
    """A new connection, which is closed at the end.

    Raises:
        ImplementationError: it cannot be made, or closed.
    """
    connection = _called("making a connection", factory)
    for method in ("ask", "close"):
        if not callable(getattr(connection, method, None)):
            raise ImplementationError(f"it makes a {type(connection).__name__}, which has no method {method!r}")
    try:
        yield connection
    except BaseException:
        with contextlib.suppress(ImplementationError):  # the first one counts
            _called("closing the connection", connection.close)
        raise
    _called("closing the connection", connection.close)


class Conversation:
    """The messages to a connection, with its replies held against the protocol.

    Every method raises ImplementationError when the implementation fails, or replies what the protocol does not have.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._offered: tuple[Offer, ...] = ()

    def hello(self) -> Hello:
        """What the implementation says of itself."""
        asked = "hello"
        reply = self._ask({"command": "hello"}, asked)
        protocol = _field(reply, "protocol", "number", asked)
        if protocol != PROTOCOL:
            raise ImplementationError(f"it speaks version {protocol} of the protocol, this is version {PROTOCOL}")
        return Hello(
            _field(reply, "implementation", "text", asked),
            _field(reply, "language", "text", asked),
            _names(reply, "steps", asked),
            _names(reply, "internal", asked),
        )

    def load(self, structure: Structure, environment: Mapping[str, str]) -> Reply:
        """Begin a new run."""
        message = {
            "command": "load",
            "document": structure.document,
            "labels": list(structure.labels),
            "predicates": {name: list(truth) for name, truth in structure.predicates.items()},
            "environment": dict(environment),
        }
        reply = self._reply(message, "load")
        if reply.outcome != TAKEN:
            raise ImplementationError(f"its outcome of load is {reply.outcome!r}, where only {TAKEN!r} means anything")
        return reply

    def step(self, name: str, element: str | None) -> Reply:
        """Take a step."""
        wanted = Offer(name, element)
        before = self._offered
        reply = self._reply({"command": "step", "step": name, "node": element}, f"step {wanted}")
        if reply.outcome == REFUSED and wanted in before:
            raise ImplementationError(f"it refuses {wanted}, which it had just offered")
        return reply

    def _reply(self, message: Mapping[str, Any], asked: str) -> Reply:
        raw = self._ask(message, asked)
        outcome = _field(raw, "outcome", "text", asked)
        if outcome not in OUTCOMES:
            known = ", ".join(OUTCOMES)
            raise ImplementationError(
                f"its reply to {asked} has the outcome {_shown(outcome)}, which is none of {known}"
            )
        offers = tuple(_offer(o, asked) for o in _field(raw, "offers", "list", asked))
        state = _field(raw, "state", "object", asked)
        self._offered = offers
        return Reply(outcome, offers, state)

    def _ask(self, message: Mapping[str, Any], asked: str) -> Mapping[str, Any]:
        reply = _called(f"its reply to {asked}", lambda: self._connection.ask(message))
        if not isinstance(reply, Mapping):
            raise ImplementationError(f"its reply to {asked} is {_shown(reply)}, which is no object")
        return reply


def _called(what: str, function: Callable[[], Any]) -> Any:
    try:
        return function()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # an implementation may do anything, cancel a task or exit
        raise ImplementationError(f"{what} fails with {_described(error)}") from error


def _described(error: BaseException) -> str:
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _field(reply: Mapping[str, Any], key: str, kind: str, asked: str) -> Any:
    """What is under a key of a reply, which must be there and of that kind."""
    if key not in reply:
        raise ImplementationError(f"its reply to {asked} has no {key!r}")
    value = reply[key]
    if not isinstance(value, _KINDS[kind]) or isinstance(value, bool):
        raise ImplementationError(f"its reply to {asked} has {_shown(value)} as {key!r}, which is no {kind}")
    return value


def _names(reply: Mapping[str, Any], key: str, asked: str) -> frozenset[str]:
    names = _field(reply, key, "list", asked)
    for name in names:
        if not isinstance(name, str):
            raise ImplementationError(f"its reply to {asked} has {_shown(name)} among {key!r}, which is no name")
    return frozenset(names)


def _offer(raw: Any, asked: str) -> Offer:
    if not isinstance(raw, Mapping):
        raise ImplementationError(f"its reply to {asked} offers {_shown(raw)}, which is no object")
    step = _field(raw, "step", "text", f"{asked}, in an offer,")
    if "node" not in raw or not isinstance(raw["node"], str | None):
        raise ImplementationError(f"its reply to {asked} offers {step} without a 'node' that is a label or null")
    return Offer(step, raw["node"])


def _shown(value: Any) -> str:
    """What a reply has, or the beginning of it."""
    return reprlib.repr(value)
