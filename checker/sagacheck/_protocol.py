"""The protocol that an implementation under test speaks, version 1: JSON messages, one reply each.

    hello   which steps the implementation can be made to take, what it can do, what it can show
    load    a new run begins
    step    one actor is let go past one injection point; the reply says what came of it and what is seen then
    end     the conversation ends

`schemas/protocol/` defines every message and every reply, and every one is held against its schema. An implementation
may have fewer injection points than the specification has steps: what happens on its own between them it declares as
internal. A reply comes when nothing more happens on its own.
"""

from __future__ import annotations

import functools
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import jsonschema_rs

from sagacheck._errors import ImplementationError, SagacheckError
from sagacheck._schema import schema
from sagacheck._structure import Structure

__all__ = [
    "NOT_REACHED", "NOT_SUPPORTED", "PENDING", "PROTOCOL", "REFUSED", "TAKEN", "Connection", "Conversation", "Hello",
    "Offer", "Reply", "called", "described",
]  # fmt: skip

PROTOCOL = 1
_LONGEST_SHOWN = 400
TAKEN, REFUSED, NOT_REACHED, PENDING, NOT_SUPPORTED = "taken", "refused", "not reached", "pending", "not supported"


class Connection(Protocol):
    """One conversation with an implementation."""

    def ask(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer a message."""
        ...

    def close(self) -> None:
        """End the conversation."""
        ...


@dataclass(frozen=True, order=True)
class Offer:
    """A step that could be taken next; `element` is its label, or None."""

    step: str
    element: str | None

    def __str__(self) -> str:
        return self.step if self.element is None else f"{self.step}({self.element})"


@dataclass(frozen=True)
class Hello:
    """What an implementation says of itself; `schemas/protocol/hello-reply.schema.json` says what each field means."""

    implementation: str
    version: str
    language: str
    capabilities: frozenset[str]
    steps: frozenset[str]
    internal: frozenset[str]
    waits: frozenset[str]
    shows: frozenset[str]


@dataclass(frozen=True)
class Reply:
    """Where the implementation is after a message.

    Attributes:
        outcome: one of the outcomes above.
        offers: the steps that can be taken now.
        state: what is seen; None, of a variable or of one element of it, is what cannot be seen now.
        internal: load: the steps of single elements that happen on their own in this run.
        reason: load: why the structure is not supported.
    """

    outcome: str
    offers: tuple[Offer, ...]
    state: Mapping[str, Any]
    internal: frozenset[Offer] = frozenset()
    reason: str = ""


@functools.cache
def _validator(name: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schema(f"protocol/{name}"))


class Conversation:
    """The messages to a connection, with its replies held against the protocol.

    Every method raises ImplementationError when the implementation fails, or replies what the protocol does not have.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._offered: tuple[Offer, ...] = ()
        self._waits: frozenset[str] = frozenset()
        self._known: frozenset[str] = frozenset()
        self._labels: tuple[str, ...] = ()

    def hello(self) -> Hello:
        """What the implementation says of itself."""
        message = {"command": "hello", "protocol": PROTOCOL}
        reply = self._asked(message, "hello")
        spoken = reply.get("protocol")
        if isinstance(spoken, int) and not isinstance(spoken, bool) and spoken != PROTOCOL:
            raise ImplementationError(f"it speaks version {spoken} of the protocol, this is version {PROTOCOL}")
        _hold(reply, "hello", "hello")
        names = {key: frozenset(reply.get(key, ())) for key in ("capabilities", "steps", "internal", "waits", "shows")}
        if not names["waits"] <= names["steps"]:
            odd = ", ".join(sorted(names["waits"] - names["steps"]))
            raise ImplementationError(f"its reply to hello has {odd} among 'waits', but not among 'steps'")
        self._waits = names["waits"]
        self._known = names["steps"] | names["internal"]
        return Hello(reply["implementation"], reply["version"], reply["language"], **names)

    def load(self, structure: Structure, environment: Mapping[str, str]) -> Reply:
        """Begin a new run; the outcome is `taken` or `not supported`."""
        self._labels = structure.labels
        message = {
            "command": "load",
            "document": structure.document,
            "labels": list(structure.labels),
            "relations": {name: [list(r) for r in related] for name, related in structure.relations.items()},
            "predicates": {name: list(truth) for name, truth in structure.predicates.items()},
            "environment": dict(environment),
        }
        return self._reply(message, "load", "load")

    def step(self, name: str, element: str | None) -> Reply:
        """Take a step; the outcome is `taken`, `refused`, `not reached`, or `pending` for one that waits."""
        wanted = Offer(name, element)
        before = self._offered
        asked = f"step {wanted}"
        reply = self._reply({"command": "step", "step": name, "node": element}, "step", asked)
        if reply.outcome == REFUSED and wanted in before:
            raise ImplementationError(f"it refuses {wanted}, which it had just offered")
        if reply.outcome == PENDING and name not in self._waits:
            raise ImplementationError(f"its reply to {asked} is that it is pending, but it is none of 'waits'")
        return reply

    def _reply(self, message: Mapping[str, Any], command: str, asked: str) -> Reply:
        raw = self._asked(message, asked)
        _hold(raw, command, asked)
        offers, internal = (tuple(Offer(o["step"], o["node"]) for o in raw.get(k, ())) for k in ("offers", "internal"))
        for offer in (*offers, *internal):
            if offer.step not in self._known and offer in offers:
                raise ImplementationError(f"its reply to {asked} offers {offer}, which is no step that it declares")
            if offer.element is not None and offer.element not in self._labels:
                raise ImplementationError(f"its reply to {asked} has {offer}, and there is no {offer.element!r}")
        self._offered = offers
        return Reply(raw["outcome"], offers, raw["state"], frozenset(internal), raw.get("reason", ""))

    def _asked(self, message: Mapping[str, Any], asked: str) -> Mapping[str, Any]:
        _hold(message, message["command"], asked, reply=False)
        reply = called(f"its reply to {asked}", lambda: self._connection.ask(message))
        if not isinstance(reply, Mapping):
            raise ImplementationError(f"its reply to {asked} is {reprlib.repr(reply)}, which is no object")
        if "error" in reply:
            _hold(reply, "error", asked, reply=False)
            raise ImplementationError(f"its reply to {asked} is an error: {reply['error'][:_LONGEST_SHOWN]}")
        return reply


def _hold(value: Mapping[str, Any], command: str, asked: str, *, reply: bool = True) -> None:
    """Hold a message or a reply against its schema; the first thing that is wrong is the error."""
    name = f"{command}-reply" if reply else command
    try:
        wrong = next(iter(_validator(name).iter_errors(value)), None)
    except ValueError as error:  # what no JSON can be
        raise ImplementationError(f"its reply to {asked} is no JSON: {error}") from None
    if wrong is not None:
        place = "".join(f"[{p!r}]" for p in wrong.instance_path)
        at = f" at {place}" if place else ""
        what = f"its reply to {asked}" if reply else f"the message {asked}"
        raise ImplementationError(f"{what} is not as the protocol has it{at}: {wrong.message}")


def called(what: str, function: Callable[[], Any]) -> Any:
    """The result of a function of the implementation; whatever it raises is an ImplementationError."""
    try:
        return function()
    except (KeyboardInterrupt, SagacheckError):
        raise
    except BaseException as error:  # an implementation may do anything, cancel a task or exit
        raise ImplementationError(f"{what} fails with {described(error)}") from error


def described(error: BaseException) -> str:
    """An error of somebody else in words."""
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
