"""What each command does; each returns its exit code. The options are made into these arguments by `_options.bind`."""

from __future__ import annotations

import contextlib
import enum
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sagacheck._check import check as check_model
from sagacheck._check import select_properties
from sagacheck._console import render, tell, write
from sagacheck._domain import Domain
from sagacheck._errors import ImplementationError, InputError
from sagacheck._explore import Limits
from sagacheck._model import Model, versions
from sagacheck._options import (
    INTERRUPTED,
    OUTPUT,
    AxisChanges,
    DesignName,
    MaxMemory,
    MaxSeconds,
    MaxStates,
    OutputFile,
    PropertyNames,
    SpecOption,
    changes,
    importable,
    limits,
)  # fmt: skip
from sagacheck._output import named_after, put, refuse_same, refuse_unwritable, replace_file, whole_file
from sagacheck._progress import progress
from sagacheck._verdict import Outcome, Result, Verdict

if TYPE_CHECKING:
    from sagacheck._force import Forced
    from sagacheck._replay import Replayed

__all__ = ["CheckFormat", "Commands", "Expected", "ReplayFormat", "TableFormat", "TraceFormat", "report_check"]

_TRACE = "A file that `check --format itf` wrote, or what TLC printed."
_ALL_LIMITS = Limits(200_000, 60.0)  # for one design of --all, unless told otherwise


class CheckFormat(enum.StrEnum):
    """How `check` says what it found."""

    TEXT = "text"
    JSON = "json"
    ITF = "itf"
    MERMAID = "mermaid"


class TableFormat(enum.StrEnum):
    """How `designs` shows its table."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


class TraceFormat(enum.StrEnum):
    """How `show` shows a trace."""

    TEXT = "text"
    MERMAID = "mermaid"


class ReplayFormat(enum.StrEnum):
    """How `replay` says what came of it."""

    TEXT = "text"
    JSON = "json"


class Expected(enum.StrEnum):
    """How a replay may be expected to end."""

    FOLLOWED = "followed"
    REFUSED = "refused"
    DIVERGED = "diverged"


class Commands:
    """The commands, for one domain that the user selected as `selected` (None: the default)."""

    def __init__(self, domain: Domain, selected: str | None) -> None:
        self.domain = domain
        self.selected = selected

    def check(
        self,
        structure: str,
        environment: Mapping[str, str],
        *,
        spec: SpecOption = None,  # noqa: ARG002  (found before the command line was read)
        design: DesignName = "",
        axes: AxisChanges = None,
        properties: PropertyNames = None,
        first: Annotated[bool, typer.Option("--first", help="Stop at the first violation.")] = False,
        max_states: MaxStates = None,
        max_seconds: MaxSeconds = None,
        max_memory: MaxMemory = None,
        form: Annotated[
            CheckFormat, typer.Option("--format", help="itf and mermaid give the traces.", rich_help_panel=OUTPUT)
        ] = CheckFormat.TEXT,
        output: OutputFile = None,
        coverage: Annotated[
            bool, typer.Option("--coverage", help="Also how often each action was possible.", rich_help_panel=OUTPUT)
        ] = False,
    ) -> int:
        """Decide the properties of one design; for each that is violated, show the shortest counterexample.

        Exit code: 0 all hold, 1 one is violated, 2 wrong usage or bad input, 3 undetermined.
        """
        asked = limits(max_states, max_seconds, max_memory)
        output = whole_file(output)
        chosen = self.domain.design(design, changes(axes or ()))
        model = Model(self.domain, self.selected, chosen, structure, environment)
        if output is not None:
            refuse_unwritable(output)
        try:
            specification = model.specification()
            select_properties(specification, properties or ())
            with progress(f"checking {chosen.name} on {structure}") as watch:
                result = check_model(
                    specification, model.load(), properties=properties or (), limits=asked, first=first, progress=watch
                )
        except KeyboardInterrupt:  # one that comes during the search ends in a result
            tell("interrupted before anything was decided")
            return INTERRUPTED
        report_check(model, result, asked, form, output, coverage)
        return result.exit_code

    def designs(
        self,
        structure: str,
        environment: Mapping[str, str],
        *,
        spec: SpecOption = None,  # noqa: ARG002
        every: Annotated[
            bool, typer.Option("--all", help="Every combination of all axes; by default 200000 states and 60 s each.")
        ] = False,
        resume: Annotated[
            Path | None,
            typer.Option("--resume", metavar="FILE", help="Keep decided rows there; don't decide them again."),
        ] = None,
        max_states: MaxStates = None,
        max_seconds: MaxSeconds = None,
        max_memory: MaxMemory = None,
        form: Annotated[TableFormat, typer.Option("--format", rich_help_panel=OUTPUT)] = TableFormat.TEXT,
        output: OutputFile = None,
    ) -> int:
        """The table of the design space: every named design, and every design one axis away from the default one.

        Limits are for each design. Exit code: 0 when the table is complete, 3 when it was interrupted.
        """
        from sagacheck._designs import Kept, Space, decide, places, settings_key
        from sagacheck._table import Table

        asked = limits(max_states, max_seconds, max_memory)
        if every and asked == Limits():
            asked = _ALL_LIMITS
        output = whole_file(output)
        if output is not None:
            refuse_unwritable(output)
        if resume is not None:
            refuse_unwritable(resume, "--resume")
            refuse_same(output, resume, "--resume")
        space = Space(self.domain, self.selected, structure, environment, asked)
        where = tuple(places(self.domain, every=every))
        wanted = [p.design for p in where]
        rows = {settings_key(d): row for d, row in decide(space, wanted, Kept(resume), progress)}
        table = Table(space, space.properties(), where, rows)
        texts: dict[TableFormat, Callable[[bool], str]] = {
            TableFormat.TEXT: lambda terminal: render(table.parts(), terminal=terminal),
            TableFormat.JSON: lambda _: table.json(),
            TableFormat.MARKDOWN: lambda _: table.markdown(),
        }
        put(output, texts[form])
        if not table.complete:
            again = f"; the same command with --resume {resume} goes on from here" if resume else ""
            tell(f"interrupted: {len(rows)} designs are decided{again}")
        return 0 if table.complete else 3

    def explain(
        self,
        environment: Mapping[str, str],
        *,
        name: Annotated[str, typer.Argument(metavar="NAME", help="A property, a design, an action, an axis, ...")],
        spec: SpecOption = None,  # noqa: ARG002
    ) -> int:
        """Show the definition of a property, a design, an action or an axis, with its reason and its source."""
        from sagacheck._explain import explain

        put(None, lambda terminal: render(explain(self.domain, name, environment), terminal=terminal))
        return 0

    def show(
        self,
        *,
        trace: Annotated[Path, typer.Argument(metavar="TRACE", help=_TRACE)],
        spec: SpecOption = None,  # noqa: ARG002
        form: Annotated[TraceFormat, typer.Option("--format")] = TraceFormat.TEXT,
        output: OutputFile = None,
    ) -> int:
        """Read a trace back, check that every step of it is possible, and show it."""
        output = whole_file(output)
        if output is not None:
            refuse_unwritable(output)
        replayed = _read(trace, self.domain, self.selected)
        if form is TraceFormat.MERMAID:
            from sagacheck._mermaid import trace_to_mermaid

            text = trace_to_mermaid(replayed.model, replayed.trace, replayed.property, replayed.element)
            put(output, lambda _: text)
        else:
            from sagacheck._text import counterexample, heading

            parts = [heading(replayed.model), *counterexample(replayed.property, replayed.trace, replayed.element)]
            _tell_version(trace, replayed)
            put(output, lambda terminal: render(parts, terminal=terminal))
        return 0

    def replay(
        self,
        *,
        trace: Annotated[Path, typer.Argument(metavar="TRACE", help=_TRACE)],
        spec: SpecOption = None,  # noqa: ARG002
        impl: Annotated[
            str, typer.Option("--impl", metavar="NAME|module:object", help="The implementation under test.")
        ] = "",
        expect: Annotated[
            Expected | None, typer.Option("--expect", help="Exit with 0 if it ends like this, with 1 if it does not.")
        ] = None,
        form: Annotated[ReplayFormat, typer.Option("--format", rich_help_panel=OUTPUT)] = ReplayFormat.TEXT,
        output: OutputFile = None,
    ) -> int:
        """Force a trace upon an implementation, step by step, and say whether it follows, refuses a step, or diverges.

        Exit code: 0 followed to the end, 1 refused or diverged, 2 wrong usage or bad input, 3 a step was not reached.
        """
        from sagacheck._force import Ending
        from sagacheck._replay_report import ReplayReport

        output = whole_file(output)
        if output is not None:
            refuse_unwritable(output)
            refuse_same(output, trace, "the trace")
        if not impl:
            raise InputError("no implementation is installed; install sagacheck with pip, or give --impl module:object")
        importable("--impl", impl, "an implementation")
        replayed = _read(trace, self.domain, self.selected)
        _tell_version(trace, replayed)
        forced = _forced(replayed, impl)
        if forced is None:
            return INTERRUPTED
        report = ReplayReport(replayed, forced, impl, None if expect is None else Ending(expect.value))
        if form is ReplayFormat.JSON:
            put(output, lambda _: report.json())
        else:
            put(output, lambda terminal: render(report.parts(), terminal=terminal))
        return report.exit_code

    def listing(self, *, spec: SpecOption = None) -> int:  # noqa: ARG002
        """The listing that the domain supplies."""
        from rich import box
        from rich.table import Table

        titles, *rows = self.domain.listing()
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for title in titles:
            table.add_column(title, overflow="fold")
        for row in rows:
            table.add_row(*row)
        put(None, lambda terminal: render([table], terminal=terminal))
        return 0


def _read(trace: Path, domain: Domain, selected: str | None) -> Replayed:
    """Read a trace back, and check that every step of it is possible. Raises InputError."""
    from sagacheck._itf import read_itf
    from sagacheck._replay import replay
    from sagacheck._tlc_trace import is_tlc, read_tlc

    if trace.exists() and not trace.is_file() and not trace.is_dir():
        raise InputError(f"{trace}: this is no regular file; name one that `check --format itf` wrote")
    try:
        text = trace.read_text("utf-8")
        itf = read_tlc(text, domain, selected) if is_tlc(text) else read_itf(text)
        return replay(itf, domain, selected)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise InputError(f"{trace}: cannot be read ({reason})") from None
    except InputError as error:
        raise InputError(f"{trace}: {error}") from None


def _tell_version(trace: Path, replayed: Replayed) -> None:
    if replayed.version != versions()["sagacheck"]:
        tell(f"{trace} was written by sagacheck {replayed.version}; every step of it is still possible")


def _forced(replayed: Replayed, impl: str) -> Forced | None:
    """Force the trace upon the implementation; None, and a sentence, when the user interrupts it.

    What the implementation prints goes to standard error.
    """
    from sagacheck._force import force
    from sagacheck._implementation import connected, find_implementation

    followed = 0

    def watch(steps: int) -> None:
        nonlocal followed
        followed = steps

    try:
        with contextlib.redirect_stdout(sys.stderr), connected(find_implementation(impl)) as connection:
            return force(replayed.trace, replayed.model.environment, connection, watch)
    except ImplementationError as error:
        raise ImplementationError(f"--impl {impl}: {error}") from None
    except KeyboardInterrupt:
        tell(f"interrupted: {impl} had followed {followed} of {len(replayed.trace.steps)} steps")
        return None


def report_check(
    model: Model, result: Result, asked: Limits, form: CheckFormat, output: Path | None, coverage: bool = False
) -> None:
    """Write what a search found, as a report or as the traces alone."""
    if form in (CheckFormat.TEXT, CheckFormat.JSON):
        put(output, lambda terminal: _report(model, result, asked, form, coverage, terminal))
    else:
        _put_traces(output, model, result, form)


def _report(model: Model, result: Result, asked: Limits, form: CheckFormat, coverage: bool, terminal: bool) -> str:
    if form is CheckFormat.JSON:
        from sagacheck._json_report import report_json

        return report_json(model, result, asked)
    from sagacheck._text import check_report

    return render(check_report(model, result, coverage=coverage), terminal=terminal)


def _put_traces(output: Path | None, model: Model, result: Result, form: CheckFormat) -> None:
    """One trace for each violated property that has one: to the file, to a file each; one alone, to standard output."""
    shown = [o for o in result.outcomes if o.verdict is Verdict.VIOLATED and o.trace is not None]
    names = ", ".join(o.property.name for o in shown)
    if not shown:
        tell(f"{result.verdict.value}: no violated property with a trace, so no trace is written")
    elif output is not None:
        paths = [output] if len(shown) == 1 else [named_after(output, o.property.name) for o in shown]
        for path, outcome in zip(paths, shown, strict=True):
            replace_file(path, _trace_text(model, outcome, form))
        tell(f"violated: {names}; written: {', '.join(str(p) for p in paths)}")
    elif len(shown) == 1:
        write(_trace_text(model, shown[0], form))
    else:
        tell(
            f"{len(shown)} properties are violated ({names}), which makes as many traces: "
            "name a file with --output, or one property with --property"
        )


def _trace_text(model: Model, outcome: Outcome, form: CheckFormat) -> str:
    from sagacheck._itf import trace_to_itf
    from sagacheck._mermaid import trace_to_mermaid

    assert outcome.trace is not None
    if form is CheckFormat.MERMAID:
        return trace_to_mermaid(model, outcome.trace, outcome.property, outcome.element)
    return trace_to_itf(model, outcome.trace, outcome.property, outcome.verdict.value, outcome.element)
