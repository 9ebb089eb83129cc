"""The report of a check for people: verdicts, the shortest counterexample of each violated property, the effort."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from sagacheck._model import Model
from sagacheck._narration import Change, groups_of, length_in_words, narrate, note, what_is_wrong
from sagacheck._specification import Property
from sagacheck._verdict import Exploration, Outcome, Result, Trace, Verdict

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

__all__ = ["STYLES", "check_report", "counterexample", "exploration_line", "heading", "spaced", "steps_of", "summary"]

_ENOUGH_STATES = 1000  # with fewer, what a state takes is lost in what everything else takes

STYLES = {
    Verdict.HOLDS: "green",
    Verdict.VIOLATED: "bold red",
    Verdict.UNDETERMINED: "yellow",
    Verdict.NOT_CHECKED: "dim",
}


def check_report(model: Model, result: Result, *, coverage: bool = False) -> Iterator[RenderableType]:
    """The parts of the report, in order; `coverage` adds the table of actions."""
    yield heading(model)
    yield _verdicts(result.outcomes)
    for outcome in result.outcomes:
        if outcome.verdict is Verdict.VIOLATED:
            yield from counterexample(outcome.property, outcome.trace, outcome.element, outcome.reason)
    yield from _exploration(result, coverage)
    yield summary(model, result)


def heading(model: Model) -> RenderableType:
    """Which model this is about; the axes on which the design differs from the default one stand out."""
    grid = Table.grid(padding=(0, 2))
    grid.add_row("specification", model.domain.name)
    grid.add_row("design", Text(model.design.name, "bold"))
    grid.add_row("", _settings(model))
    grid.add_row(model.domain.structure.name, Text(model.structure or "every one", "bold"))
    if model.environment:
        grid.add_row("environment", "  ".join(f"{k}={v}" for k, v in model.environment.items()))
    return grid


def _settings(model: Model) -> Text:
    changed = model.changed()
    parts = [Text(f"{a}={v}", "bold" if a in changed else "dim") for a, v in model.design.settings.items()]
    return Text("  ").join(parts)


def _verdicts(outcomes: Sequence[Outcome]) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("property", overflow="fold", no_wrap=True)
    table.add_column("claims")
    table.add_column("verdict", no_wrap=True)
    table.add_column("")
    for o in outcomes:
        table.add_row(o.property.name, o.property.kind.value, Text(o.verdict.value, STYLES[o.verdict]), note(o))
    return spaced(table)


def spaced(part: RenderableType) -> RenderableType:
    """The part, after an empty line."""
    from rich.padding import Padding

    return Padding(part, (1, 0, 0, 0))


# Counterexamples -----------------------------------------------------------------------------------------------------


def counterexample(p: Property, trace: Trace | None, element: int | None, reason: str = "") -> Iterator[RenderableType]:
    """A violated property: its claim, the shortest way to break it, and what is wrong then."""
    title = Text.assemble((p.name, "bold red"), (" is violated", "red"))
    if trace is not None:
        title.append(f" after {length_in_words(trace)}" if trace.steps else " in the initial state")
    yield spaced(title)
    yield Text(f"claim: {' '.join(p.doc.split())}", "dim")
    if trace is not None:
        if trace.steps or trace.loop is not None:
            yield spaced(steps_of(trace))
        yield Text.assemble(("→ ", "bold red"), (_sentence(what_is_wrong(p, trace, element)), "bold"))
    elif reason:
        yield Text.assemble(("→ ", "bold red"), (_sentence(reason), "bold"))


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def steps_of(trace: Trace) -> RenderableType:
    """One line a step; the first two groups side by side, the others in a third column, only what changed."""
    lines = narrate(trace)
    groups = groups_of(trace.ground.specification)
    columns = [(g, {g}) for g in groups[:2]] + [("other", set(groups[2:]))]
    shown = [(title, inside) for title, inside in columns if any(c.group in inside for x in lines for c in x.changes)]
    if len(shown) > 0 and shown[-1][0] == "other" and len(groups) == 3:
        shown[-1] = (groups[2], shown[-1][1])
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("who", overflow="fold")
    table.add_column("does", overflow="fold", ratio=None, max_width=40)
    for title, _ in shown:
        table.add_column(title, overflow="fold")
    for line in lines:
        if trace.loop is not None and line.number - 1 == trace.loop:
            _mark(table, "again and again, for ever:")
        cells = [_Cell(c for c in line.changes if c.group in inside) for _, inside in shown]
        table.add_row(str(line.number), line.step.action.actor, line.text, *cells)
    if trace.loop == len(lines):
        _mark(table, "standing still for ever")
    return table


def _mark(table: Table, text: str) -> None:
    table.add_section()
    table.add_row("", "", Text(text, "bold yellow"))


class _Cell:
    """Changes below each other; where one needs several lines, the others are indented."""

    def __init__(self, changes: Iterable[Change]) -> None:
        self._texts = [Text.assemble(c.where, ": ", (c.old, "dim"), " → ", (c.new, "bold cyan")) for c in changes]

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        found = [Measurement.get(console, options, t) for t in self._texts]
        return Measurement(max((m.minimum + 2 for m in found), default=0), max((m.maximum for m in found), default=0))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        for text in self._texts:
            if text.cell_len <= width:
                yield text
                continue
            first, *others = text.wrap(console, max(1, width - 2), overflow="fold")
            yield first
            yield from (Text("  ").append_text(line) for line in others)


# How far the search went ---------------------------------------------------------------------------------------------


def exploration_line(e: Exploration) -> str:
    """The counts, sizes and times in stable `key=value` fields."""
    speed = e.states / e.seconds if e.seconds else 0.0
    memory = str(e.state_bytes) if e.states >= _ENOUGH_STATES else "-"
    return (
        f"states={e.states} steps={e.steps} depth={e.depth} seconds={e.seconds:.2f} states_per_second={speed:.0f} "
        f"peak_memory={e.peak_memory / 2**20:.0f}M bytes_per_state={memory}"
    )


def _exploration(result: Result, coverage: bool) -> Iterator[RenderableType]:
    e = result.exploration
    yield spaced(Text(exploration_line(e), "dim"))
    if e.stopped:
        yield Text(f"the search did not end: {e.stopped}; what was not decided by then is undetermined", "yellow")
    elif not e.complete:
        yield Text("the search ended as soon as everything asked for was decided", "dim")
    never = [name for name, c in e.coverage.items() if not c.enabled]
    if never and (e.complete or e.steps):  # a search that expanded no state says nothing about them
        yield Text(f"{'never possible' if e.complete else 'not possible so far'}: {', '.join(never)}", "yellow")
    if coverage:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        table.add_column("action")
        table.add_column("possible", justify="right")
        table.add_column("led to a new state", justify="right")
        for name, c in e.coverage.items():
            table.add_row(name, str(c.enabled), str(c.new))
        yield spaced(table)


def summary(model: Model, result: Result) -> RenderableType:
    """The last line: what was found, nothing rounded up, and what to run next."""
    by: dict[Verdict, list[str]] = {}
    for o in result.outcomes:
        by.setdefault(o.verdict, []).append(o.property.name)
    parts = [f"{len(names)} {verdict.value}" for verdict in Verdict if (names := by.get(verdict))]
    line = Text.assemble((result.verdict.value, STYLES[result.verdict]), f" ({', '.join(parts)})")
    violated = by.get(Verdict.VIOLATED)
    if violated:
        line.append(f"; why it matters: {model.command('explain', violated[0])}", "dim")
    return line
