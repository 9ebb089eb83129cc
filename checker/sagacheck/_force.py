"""Forces a trace upon an implementation, step by step, and compares what it shows with the trace after every step.

A step that the implementation declares as internal happens within the one before it, so the states are compared after
the last of such a run of steps. Which implementation it is, and what its state means, is behind `Connection`.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sagacheck._errors import ImplementationError
from sagacheck._ground import Step
from sagacheck._itf import values_of
from sagacheck._protocol import NOT_SUPPORTED, PENDING, TAKEN, Connection, Conversation, Hello, Offer, Reply
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
    """A variable of which the trace and the implementation say different things; `element` is its label, or ""."""

    variable: str
    element: str
    trace: bool | int | str
    implementation: bool | int | str


@dataclass(frozen=True)
class Forced:
    """What came of forcing a trace.

    Attributes:
        ending: followed to the end; or at `step` refused (it was not on offer), diverged (another state after it), not
            reached (it was on offer, but its actor never came to it).
        at: how many steps were followed, and so the index of the step that was not, from 0; the last one of a run of
            internal steps stands for all of it.
        implementation: its name. language: what it is written in.
        step: the step that was not followed; None where all were, and where it diverged before the first.
        declared: whether the implementation has a step of that name at all.
        offers: the steps that it could take next in the end; where it refused or did not come to one, instead of that.
        differences: diverged: on what.
        seen: how many values of variables were compared in all.
        never: the variables of the trace of which no value was ever compared.
        shown: the variables that were compared in the last state; in every state of the loop, if there is one.
    """

    ending: Ending
    at: int
    implementation: str
    language: str = ""
    step: Step | None = None
    declared: bool = True
    offers: tuple[Offer, ...] = ()
    differences: tuple[Difference, ...] = ()
    seen: int = 0
    never: tuple[str, ...] = ()
    shown: frozenset[str] = frozenset()


def force(
    trace: Trace,
    environment: Mapping[str, str],
    connection: Connection,
    watch: Callable[[int], None] = lambda _: None,
) -> Forced:
    """Force a trace upon an implementation. A behaviour without end is followed once round, to its last state.

    Args:
        trace: the behaviour to follow.
        environment: the options of the model, as the domain has them.
        connection: a new conversation; it is not closed.
        watch: called with the number of steps that were followed, whenever there are more.

    Raises:
        ImplementationError: the implementation fails, speaks another protocol, or replies what means nothing.
    """
    conversation = Conversation(connection)
    return _Forcing(trace, conversation, conversation.hello(), watch).run(environment)


class _Forcing:
    def __init__(self, trace: Trace, conversation: Conversation, hello: Hello, watch: Callable[[int], None]) -> None:
        self._trace = trace
        self._conversation = conversation
        self._hello = hello
        self._watch = watch
        self._seen = 0
        self._ever: set[str] = set()
        self._shown: frozenset[str] = frozenset()

    def run(self, environment: Mapping[str, str]) -> Forced:
        reply = self._conversation.load(self._trace.ground.structure, environment)
        if reply.outcome == NOT_SUPPORTED:
            raise ImplementationError(f"it does not support {self._trace.ground.structure.name}: {reply.reason}")
        different = () if self._goes_on(0) else self._compare(0, reply.state)
        if different:
            return self._end(Ending.DIVERGED, 0, reply, differences=different)
        self._watch(0)
        for i, step in enumerate(self._trace.steps):
            name = step.action.name
            if name not in self._hello.internal:
                if name not in self._hello.steps:
                    return self._end(Ending.REFUSED, i, reply, step=step, declared=False)
                reply = self._conversation.step(name, self._element(step))
                if reply.outcome != TAKEN:
                    ending = Ending.REFUSED if reply.outcome == PENDING else Ending(reply.outcome)
                    return self._end(ending, i, reply, step=step)
            if not self._goes_on(i + 1):
                different = self._compare(i + 1, reply.state)
                if different:
                    return self._end(Ending.DIVERGED, i, reply, step=step, differences=different)
                self._watch(i + 1)
        return self._end(Ending.FOLLOWED, len(self._trace.steps), reply)

    def _goes_on(self, i: int) -> bool:
        """Whether step i happens within the one before it."""
        return i < len(self._trace.steps) and self._trace.steps[i].action.name in self._hello.internal

    def _element(self, step: Step) -> str | None:
        if len(step.elements) > 1:
            raise ImplementationError(
                f"it says that it can be made to take {step.action.name}, which is of {len(step.elements)} elements; "
                "a message names one, so this step can only be internal"
            )
        return self._trace.ground.structure.labels[step.elements[0]] if step.elements else None

    def _compare(self, i: int, state: Mapping[str, Any]) -> tuple[Difference, ...]:
        """Where state i of the trace and what the implementation shows differ; only what both have counts."""
        where = f"after step {i}, {self._trace.steps[i - 1].name}," if i else "in the beginning"
        expected = values_of(self._trace.ground, self._trace.states[i])
        found: list[Difference] = []
        hidden: set[str] = set()
        for variable, there in expected.items():
            value = state.get(variable)
            if value is None:
                continue
            wanted: Mapping[str, Any] = there if isinstance(there, Mapping) else {"": there}
            given = self._by_element(variable, value, where) if isinstance(there, Mapping) else {"": value}
            for element, one in wanted.items():
                other = given[element]
                if other is None:  # it cannot be seen
                    hidden.add(variable)
                    continue
                self._seen += 1
                if isinstance(other, Mapping):
                    raise ImplementationError(
                        f"{where} it shows {variable} for each {self._trace.ground.specification.element}"
                    )
                if type(other) is not type(one) or other != one:  # 1 is not true
                    found.append(Difference(variable, element, one, other))
        seen = frozenset(v for v in expected if state.get(v) is not None)
        self._ever |= seen
        shown = seen - hidden  # a variable of which only some values are seen decides nothing
        in_loop = self._trace.loop is not None and i > self._trace.loop
        self._shown = self._shown & shown if in_loop else shown
        return tuple(found)

    def _by_element(self, variable: str, value: Any, where: str) -> Mapping[str, Any]:
        element, labels = self._trace.ground.specification.element, self._trace.ground.structure.labels
        if not isinstance(value, Mapping) or set(value) != set(labels):
            odd = sorted(set(labels) ^ set(value), key=str) if isinstance(value, Mapping) else []
            said = f" ({', '.join(map(str, odd[:4]))})" if odd else ""
            raise ImplementationError(f"{where} it does not show {variable} as one value for each {element}{said}")
        return value

    def _end(self, ending: Ending, at: int, reply: Reply, **facts: Any) -> Forced:
        names = (v.name for v in self._trace.ground.specification.variables)
        return Forced(
            ending,
            at,
            self._hello.implementation,
            self._hello.language,
            offers=reply.offers,
            seen=self._seen,
            never=tuple(n for n in names if n not in self._ever),
            shown=self._shown,
            **facts,
        )
