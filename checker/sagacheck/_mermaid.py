"""A trace as a Mermaid sequence diagram: a lane for each actor, one more for the second group of variables.

An actor that takes steps for elements only has a lane for each element for which it does ("worker b"); others have one,
and so has an actor that is called like a group of variables: it is that part of the state that moves. The second group
is where the steps of all actors meet (a durable log, a lock): what changes it is an arrow to its lane.
"""

from __future__ import annotations

from collections.abc import Iterator

from sagacheck._ground import Step
from sagacheck._model import Model
from sagacheck._narration import Change, groups_of, narrate, what_is_wrong
from sagacheck._specification import Property
from sagacheck._verdict import Trace

__all__ = ["escape", "trace_to_mermaid"]

_ESCAPES = {"#": "#35;", ";": "#59;", ":": "#58;", "<": "#lt;", ">": "#gt;", "%": "#37;"}


def escape(text: str) -> str:
    """Text that means itself in a label: no separator, no comment, no markup, no line break."""
    return " ".join("".join(_ESCAPES.get(c, c) for c in text).split())


def trace_to_mermaid(model: Model, trace: Trace, p: Property, element: int | None) -> str:
    """The diagram, as text."""
    groups = groups_of(trace.ground.specification)
    shared = groups[1] if len(groups) > 1 else ""
    return "\n".join([*_comments(model, p), "sequenceDiagram", *_body(trace, shared, p, element)]) + "\n"


def _comments(model: Model, p: Property) -> Iterator[str]:
    yield f"%% {_plain(p.name)}, shortest counterexample; specification {_plain(model.domain.name)}"
    yield f"%% design {_plain(model.design.name)} on {_plain(model.structure)}"


def _plain(text: str) -> str:
    return " ".join(text.replace("{", "(").replace("}", ")").split())


class _Lanes:
    """Participants, in the order in which they first appear."""

    def __init__(self, trace: Trace) -> None:
        self._labels = trace.ground.structure.labels
        actions = trace.ground.specification.actions
        self._single = {a.actor for a in actions if not a.params} | set(groups_of(trace.ground.specification))
        self.names: dict[str, str] = {}

    def of(self, step: Step) -> str:
        actor = step.action.actor
        return self.named(actor if actor in self._single else f"{actor} {self._labels[step.elements[0]]}")

    def named(self, name: str) -> str:
        """The identifier of the lane with that name."""
        return self.names.setdefault(name, f"L{len(self.names)}")


def _body(trace: Trace, shared: str, p: Property, element: int | None) -> Iterator[str]:
    lanes = _Lanes(trace)
    messages: list[str] = []
    lines = narrate(trace)
    for line in lines:
        if trace.loop == line.number - 1:
            messages.append("    loop again and again, for ever")
        lane = lanes.of(line.step)
        changes = [c for c in line.changes if c.group == shared]
        target = lanes.named(shared) if changes else lane
        messages.append(f"    {lane}->>{target}: {line.number}. {escape(line.text)}")
        if changes:
            messages.append(f"    Note over {target}: {_told(changes)}")
    looping = trace.loop is not None and trace.loop < len(lines)
    if looping:
        messages.append("    end")
    elif trace.loop is not None:
        messages.append(f"    Note over {_across(lanes)}: standing still for ever")
    messages.append(f"    Note over {_across(lanes)}: {escape(what_is_wrong(p, trace, element))}")
    yield from (f"    participant {alias} as {escape(name)}" for name, alias in lanes.names.items())
    yield from messages


def _across(lanes: _Lanes) -> str:
    aliases = list(lanes.names.values()) or [lanes.named("initial state")]
    return aliases[0] if len(aliases) == 1 else f"{aliases[0]},{aliases[-1]}"


def _told(changes: list[Change]) -> str:
    return "<br/>".join(escape(f"{c.where}: {c.old} → {c.new}") for c in changes)
