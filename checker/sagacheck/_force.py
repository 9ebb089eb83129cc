"""Forces a trace upon an implementation, step by step, and compares what it shows with the trace after every step.

A step that the implementation declares as internal happens within the one before it, so the states are compared after
the last of such a run of steps. Which implementation it is, and what its state means, is behind `Connection`.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sagacheck._errors import InputError
from sagacheck._ground import Step
from sagacheck._implementation import PROTOCOL, Connection
from sagacheck._itf import values_of
from sagacheck._verdict import Trace

__all__ = ["Difference", "Ending", "Forced", "force"]


class Ending(enum.Enum):
    """How it ended to force a trace."""

    FOLLOWED = "followed"
    REFUSED = "refused"
    DIVERGED = "diverged"
    NOT_REACHED = "not reached"


@dataclass(frozen=True)
class Difference:
    """A variable of which the trace and the implementation say different things; `element` is the node, or ""."""

    variable: str
    element: str
    trace: Any
    implementation: Any


@dataclass(frozen=True)
class Forced:
    """What came of forcing a trace.

    Attributes:
        ending: followed to the end; or at step `at` refused (the step was not on offer), diverged (another state after
            it), not reached (it was on offer, but its actor never came to it).
        at: how many steps were followed, and so the index of the step that was not, from 0; the last one of a run of
            internal steps stands for all of it.
        implementation: its name.
        offers: refused: the steps that it could take instead.
        differences: diverged: on what.
        seen: how many values of variables were compared in all.
    """

    ending: Ending
    at: int
    implementation: str
    offers: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    seen: int = 0


def force(trace: Trace, environment: Mapping[str, str], connection: Connection) -> Forced:
    """Force a trace upon an implementation.

    Args:
        trace: the behaviour to follow.
        environment: the options of the model, as the domain has them.
        connection: a new conversation; it is not closed.

    Raises:
        InputError: the implementation speaks another protocol.
    """
    hello = connection.ask({"command": "hello"})
    if hello["protocol"] != PROTOCOL:
        raise InputError(
            f"{hello['implementation']} speaks version {hello['protocol']} of the protocol, this is version {PROTOCOL}"
        )
    return _Forcing(trace, connection, hello).run(environment)


class _Forcing:
    def __init__(self, trace: Trace, connection: Connection, hello: Mapping[str, Any]) -> None:
        self._trace = trace
        self._connection = connection
        self._name = str(hello["implementation"])
        self._steps = frozenset(hello["steps"])
        self._internal = frozenset(hello["internal"])
        self._seen = 0

    def run(self, environment: Mapping[str, str]) -> Forced:
        structure = self._trace.ground.structure
        reply = self._connection.ask(
            {
                "command": "load",
                "document": structure.document,
                "labels": list(structure.labels),
                "predicates": {name: list(truth) for name, truth in structure.predicates.items()},
                "environment": dict(environment),
            }
        )
        different = self._compare(0, reply["state"])
        if different:
            return self._end(Ending.DIVERGED, 0, differences=different)
        for i, step in enumerate(self._trace.steps):
            if step.action.name not in self._internal:
                if step.action.name not in self._steps:
                    return self._end(Ending.REFUSED, i, offers=self._offered(reply))
                reply = self._connection.ask({"command": "step", "step": step.action.name, "node": self._node(step)})
                if reply["outcome"] != "taken":
                    return self._end(Ending(reply["outcome"]), i, offers=self._offered(reply))
            if not self._goes_on(i + 1):
                different = self._compare(i + 1, reply["state"])
                if different:
                    return self._end(Ending.DIVERGED, i, differences=different)
        return self._end(Ending.FOLLOWED, len(self._trace.steps))

    def _goes_on(self, i: int) -> bool:
        """Whether step i happens within the one before it."""
        return i < len(self._trace.steps) and self._trace.steps[i].action.name in self._internal

    def _node(self, step: Step) -> str | None:
        labels = self._trace.ground.structure.labels
        return labels[step.elements[0]] if step.elements else None

    @staticmethod
    def _offered(reply: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(o["step"] if o["node"] is None else f"{o['step']}({o['node']})" for o in reply["offers"])

    def _compare(self, i: int, shown: Mapping[str, Any]) -> tuple[Difference, ...]:
        """Where state i of the trace and what the implementation shows differ; only what both have counts."""
        found: list[Difference] = []
        expected = values_of(self._trace.ground, self._trace.states[i])
        for variable, value in shown.items():
            if variable not in expected:
                continue
            there = expected[variable]
            pairs = there.items() if isinstance(there, Mapping) else [("", there)]
            for element, wanted in pairs:
                self._seen += 1
                given = value[element] if isinstance(there, Mapping) else value
                if given != wanted:
                    found.append(Difference(variable, element, wanted, given))
        return tuple(found)

    def _end(self, ending: Ending, at: int, **facts: Any) -> Forced:
        return Forced(ending, at, self._name, seen=self._seen, **facts)
