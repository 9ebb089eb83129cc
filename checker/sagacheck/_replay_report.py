"""The report of a replay: whether an implementation followed a counterexample, and where and how it did not.

For people as text; for programs as JSON, as `schemas/replay.schema.json` says.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich import box
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from sagacheck._check import DEADLOCK
from sagacheck._force import Ending, Forced
from sagacheck._monitor import certain
from sagacheck._narration import length_in_words, narrate, step_text, what_is_wrong
from sagacheck._replay import Replayed
from sagacheck._shown import Knowledge
from sagacheck._specification import Kind
from sagacheck._text import heading

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["ReplayReport"]

_STEPS_BEFORE = 5
_EXIT_CODES = {Ending.FOLLOWED: 0, Ending.REFUSED: 1, Ending.DIVERGED: 1, Ending.NOT_REACHED: 3}
_STYLES = {
    Ending.FOLLOWED: "bold red",
    Ending.REFUSED: "bold green",
    Ending.DIVERGED: "bold green",
    Ending.NOT_REACHED: "bold yellow",
}


@dataclass(frozen=True)
class ReplayReport:
    """What came of forcing a counterexample upon an implementation.

    Attributes:
        replayed: the counterexample, with its model and its property.
        forced: what came of it.
        selected: how the user selected the implementation (`--impl`).
        expected: how the user expected it to end, if at all.
    """

    replayed: Replayed
    forced: Forced
    selected: str
    expected: Ending | None = None

    @property
    def exit_code(self) -> int:
        """0 followed, 1 refused or diverged, 3 not reached; 0 as expected, 1 otherwise, but for not reached."""
        if self.expected is None or self.forced.ending is Ending.NOT_REACHED:
            return _EXIT_CODES[self.forced.ending]
        return 0 if self.forced.ending is self.expected else 1

    def unseen(self) -> tuple[str, ...]:
        """The variables on which it rests whether the implementation violates the property too; () if not followed.

        They are what the property speaks of and what was not shown where it is violated: in the last state, or of a
        property that something comes, in the loop. There are none where it is violated whatever their values are, and
        none for a deadlock, which is no matter of variables.
        """
        p, trace, shown = self.replayed.property, self.replayed.trace, self.forced.shown
        if self.forced.ending is not Ending.FOLLOWED:
            return ()
        ground = trace.ground
        if p.kind is Kind.ALWAYS:
            claim = next(c.ground for c in ground.claims(p) if c.element == self.replayed.element)
        else:
            claim = ground.value(p.body, {})
        hidden = sum(slot.mask for (name, _), slot in ground.slots.items() if name not in shown)
        where = trace.states[-1 if trace.loop is None else trace.loop :]
        if all(certain(claim, Knowledge(~hidden, state & ~hidden)) is False for state in where):
            return ()
        read = (name for (name, _), slot in ground.slots.items() if slot.mask & claim.support & hidden)
        return tuple(dict.fromkeys(read))

    # For people -------------------------------------------------------------------------------------------------------

    def parts(self) -> Iterator[RenderableType]:
        """The parts of the report, in order."""
        model = heading(self.replayed.model)
        assert isinstance(model, Table)
        model.add_row("property", self.replayed.property.name)
        model.add_row("implementation", Text.assemble((self.selected, "bold"), self._own_name()))
        yield model
        yield _spaced(self._title())
        yield from self._steps()
        yield from self._differences()
        yield from self._what_was_wanted()
        yield _spaced(Text(self._compared(), "dim" if self.forced.seen else "yellow"))
        yield from map(Text, self._loop())
        yield Text(self.meaning(), _STYLES[self.forced.ending])
        if self.expected is not None:
            as_expected = self.forced.ending is self.expected
            yield Text("as expected") if as_expected else Text(f"expected: {self.expected.value}", "bold yellow")

    def _own_name(self) -> str:
        """What the implementation calls itself, where that says more than the name that it was selected by."""
        names = [n for n in (self.forced.implementation, self.forced.language) if n and n != self.selected]
        return f" ({', '.join(names)})" if names else ""

    def _title(self) -> Text:
        forced, total = self.forced, len(self.replayed.trace.steps)
        title = Text.assemble((self.selected, "bold"), " ")
        if forced.ending is Ending.FOLLOWED:
            return title.append(f"followed the counterexample to its end: {length_in_words(self.replayed.trace)}")
        if forced.step is None:
            return title.append("diverged before the first step: it begins in another state")
        verb = {Ending.REFUSED: "refused", Ending.DIVERGED: "diverged at", Ending.NOT_REACHED: "did not come to"}
        return title.append(f"{verb[forced.ending]} step {forced.at + 1} of {total}, {forced.step.name}")

    def _steps(self) -> Iterator[RenderableType]:
        """The step that was not followed, and the last ones before it."""
        lines = narrate(self.replayed.trace)[: self.forced.at + (self.forced.step is not None)]
        if not lines:
            return
        kept = lines[-_STEPS_BEFORE - 1 :]
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        table.add_column("#", justify="right", no_wrap=True)
        table.add_column("who", overflow="fold")
        table.add_column("does", overflow="fold")
        table.add_column("step", overflow="fold")
        table.add_column("")
        if len(kept) < len(lines):
            before = len(lines) - len(kept)
            table.add_row("", "", Text(f"({before} step{'' if before == 1 else 's'} before)", "dim"), "", "")
        for line in kept:
            last = self.forced.step is not None and line is lines[-1]
            style = _STYLES[self.forced.ending] if last else ""
            ending = self.forced.ending.value if last else ""
            table.add_row(
                str(line.number), line.step.action.actor, line.text, line.step.name, Text(ending, style),
                style="bold" if last else "",
            )  # fmt: skip
        yield _spaced(table)

    def _differences(self) -> Iterator[RenderableType]:
        """Both sides of what differs; elements at which a variable differs alike are told together."""
        if not self.forced.differences:
            return
        alike: dict[tuple[str, str, str], list[str]] = {}
        for d in self.forced.differences:
            show = str if type(d.trace) is type(d.implementation) else repr  # a text that reads like a truth value
            alike.setdefault((d.variable, show(d.trace), show(d.implementation)), []).append(d.element)
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        table.add_column("differs", overflow="fold")
        table.add_column("in the trace", overflow="fold")
        table.add_column(f"in {self.selected}", overflow="fold")
        for (variable, there, here), elements in alike.items():
            where = f"{variable}[{', '.join(elements)}]" if any(elements) else variable
            table.add_row(where, Text(there, "cyan"), Text(here, "bold red"))
        yield _spaced(table)

    def _what_was_wanted(self) -> Iterator[RenderableType]:
        """What it could have done instead, or could do next where the counterexample stands still."""
        ending = self.forced.ending
        offers = ", ".join(str(o) for o in self.forced.offers) or "nothing"
        if ending in (Ending.REFUSED, Ending.NOT_REACHED):
            yield _spaced(Text.assemble((f"{self.selected} offers there: ", ""), (offers, "bold")))
        elif ending is Ending.FOLLOWED:
            trace, p = self.replayed.trace, self.replayed.property
            yield Text.assemble(("→ ", "bold red"), (_sentence(what_is_wrong(p, trace, self.replayed.element)), "bold"))
            if p is DEADLOCK or trace.loop == len(trace.steps):
                yield Text(f"{self.selected} offers in the end: {offers}")

    def _compared(self) -> str:
        """How much was compared."""
        seen, never = self.forced.seen, ", ".join(self.forced.never)
        if not seen:
            return "compared: nothing; it shows no variable of this specification, so only the order of steps counted"
        return f"compared: {seen} value{'' if seen == 1 else 's'}; never shown: {never or 'none of the variables'}"

    def _loop(self) -> Iterator[str]:
        """What it means to have followed a behaviour without end."""
        trace = self.replayed.trace
        if self.forced.ending is not Ending.FOLLOWED or trace.loop is None:
            return
        if trace.loop == len(trace.steps):
            yield "The counterexample stands still for ever in its last state: it was followed there; nobody waited on."
        else:
            yield (
                "The counterexample ends in a loop: it was followed once round, to its last state, which is state "
                f"{trace.loop} again as far as it is shown. That it can go round for ever follows, and was not tried."
            )

    def meaning(self) -> str:
        """What it means, in one line."""
        forced, name, p = self.forced, self.selected, self.replayed.property.name
        whole = f"the counterexample of {self.replayed.model.design.name} to {p}"
        step = f"step {forced.at + 1}, {forced.step.name}," if forced.step else ""
        if forced.ending is Ending.FOLLOWED:
            hidden = " and ".join(self.unseen())
            given = f", provided that it has the trace's {hidden}, which it does not show" if hidden else ""
            return f"followed: {p} is violated in {name} too{given}"
        if forced.ending is Ending.NOT_REACHED:
            return f"not reached: {step} was on offer, but {name} never came to it, so nothing is known"
        if forced.ending is Ending.REFUSED:
            why = "is not possible there" if forced.declared else "is no step that it has"
            return f"{name} refused {whole}: {step} {why}, so {p} is not violated in it this way"
        state = f"{step} leads to another state" if step else "it begins in another state"
        return f"{name} diverged from {whole}: {state}, so what comes after in the trace says nothing about it"

    # For programs -----------------------------------------------------------------------------------------------------

    def json(self) -> str:
        """The report, as text."""
        replayed, forced = self.replayed, self.forced
        trace = replayed.trace
        labels = trace.ground.structure.labels
        report = {
            "format": "sagacheck-replay-1",
            **replayed.model.identity(),
            "property": replayed.property.name,
            "element": None if replayed.element is None else labels[replayed.element],
            "wrong": what_is_wrong(replayed.property, trace, replayed.element),
            "length": len(trace.steps),
            "loop": trace.loop,
            "implementation": {
                "selected": self.selected,
                "name": forced.implementation,
                "language": forced.language,
            },
            "ending": forced.ending.value,
            "expected": None if self.expected is None else self.expected.value,
            "exit_code": self.exit_code,
            "followed": forced.at,
            "step": self._step(),
            "offers": [{"action": o.step, "elements": [] if o.element is None else [o.element]} for o in forced.offers],
            "differences": [
                {
                    "variable": d.variable,
                    "element": d.element or None,
                    "trace": d.trace,
                    "implementation": d.implementation,
                }
                for d in forced.differences
            ],
            "compared": {"values": forced.seen, "never": list(forced.never), "unseen": list(self.unseen())},
            "meaning": self.meaning(),
        }
        return json.dumps(report, indent=2, ensure_ascii=False) + "\n"

    def _step(self) -> dict[str, Any] | None:
        step = self.forced.step
        if step is None:
            return None
        ground = self.replayed.trace.ground
        return {
            "number": self.forced.at + 1,
            "action": step.action.name,
            "elements": [ground.structure.labels[e] for e in step.elements],
            "actor": step.action.actor,
            "text": step_text(step, ground),
            "declared": self.forced.declared,
        }


def _spaced(part: RenderableType) -> RenderableType:
    return Padding(part, (1, 0, 0, 0))


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
