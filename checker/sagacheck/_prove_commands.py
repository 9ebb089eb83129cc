"""The command `prove`: on every structure, on one, or up to a number of steps; by z3."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sagacheck._commands import CheckFormat, report_check
from sagacheck._console import render, tell
from sagacheck._domain import Argument, Domain
from sagacheck._errors import InputError, need_z3
from sagacheck._model import Model
from sagacheck._options import (
    INTERRUPTED,
    OUTPUT,
    AxisChanges,
    DesignName,
    MaxMemory,
    MaxSeconds,
    OutputFile,
    PropertyNames,
    SpecOption,
    changes,
    limits,
    seconds_of,
)
from sagacheck._output import put, refuse_unwritable, whole_file
from sagacheck._progress import progress

if TYPE_CHECKING:
    from sagacheck._prove import Proof, Watch

__all__ = ["ProveCommands"]

_SECONDS = 60.0  # for one question to z3, unless told otherwise


class ProveCommands:
    """The command, for one domain that the user selected as `selected` (None: the default)."""

    def __init__(self, domain: Domain, selected: str | None) -> None:
        self.domain = domain
        self.selected = selected

    def prove(
        self,
        structure: str,
        environment: Mapping[str, str],
        *,
        spec: SpecOption = None,  # noqa: ARG002  (found before the command line was read)
        design: DesignName = "",
        axes: AxisChanges = None,
        properties: PropertyNames = None,
        bound: Annotated[
            int | None,
            typer.Option("--bound", metavar="K", min=0, help="Instead look for violations of at most K steps."),
        ] = None,
        first: Annotated[
            bool, typer.Option("--first", help="Stop at the first obligation that is not proved.")
        ] = False,
        max_seconds: MaxSeconds = None,
        max_memory: MaxMemory = None,
        form: Annotated[
            CheckFormat, typer.Option("--format", help="itf and mermaid need --bound.", rich_help_panel=OUTPUT)
        ] = CheckFormat.TEXT,
        output: OutputFile = None,
    ) -> int:
        """Prove the properties of one design by induction, with z3: of every structure, or of the one that is named.

        A failed proof shows no violation. With --bound it is a search instead, for the shortest violation on one
        structure. --max-seconds is for one question to z3 (60 unless told otherwise), or for the whole search.

        Exit code: 0 all are proved, 1 a violation was found, 2 wrong usage or bad input, 3 undetermined.
        """
        output = whole_file(output)
        chosen = self.domain.design(design, changes(axes or ()))
        if output is not None:
            refuse_unwritable(output)
        need_z3()
        if bound is not None:
            if first:
                raise InputError("--first goes with a proof, not with --bound")
            named = structure or self.domain.structure.default
            model = Model(self.domain, self.selected, chosen, named, environment)
            return self._search(model, bound, properties or [], max_seconds, max_memory, form, output)
        argument = self.domain.argument
        if argument is None:
            raise InputError(f"the specification {self.domain.name} has no inductive invariant; give --bound")
        if form not in (CheckFormat.TEXT, CheckFormat.JSON):
            raise InputError(f"--format {form.value} goes with --bound: a proof has no trace")
        if max_memory is not None:
            raise InputError("--max-memory goes with --bound")
        if not structure:
            environment = self._of_every_structure(environment, argument)
        model = Model(self.domain, self.selected, chosen, structure, environment)
        seconds = seconds_of(max_seconds) or _SECONDS
        try:
            with _counting(f"proving {chosen.name}") as watch:
                proof = self._proved(model, argument, properties or [], seconds, first, watch)
        except KeyboardInterrupt:  # one that comes during the proof ends in one that is not complete
            tell("interrupted before anything was decided")
            return INTERRUPTED
        from sagacheck._prove_report import ProofReport

        report = ProofReport(model, proof)
        if form is CheckFormat.JSON:
            put(output, lambda _: report.json())
        else:
            put(output, lambda terminal: render(report.parts(), terminal=terminal))
        return proof.exit_code

    def _proved(
        self, model: Model, argument: Argument, properties: list[str], seconds: float, first: bool, watch: Watch | None
    ) -> Proof:
        from sagacheck._prove import prove

        specification = argument.specify(model.design.settings, model.environment)
        structure = model.load() if model.structure else None
        small = [] if structure else [self.domain.load(text, model.environment) for text in argument.structures]
        return prove(specification, structure, small, properties=properties, seconds=seconds, first=first, watch=watch)

    def _of_every_structure(self, environment: Mapping[str, str], argument: Argument) -> dict[str, str]:
        """The options of the environment that mean something where no structure is named.

        Raises:
            InputError: another one is given.
        """
        for option in self.domain.environment:
            if (
                option.name not in argument.environment
                and environment.get(option.name, option.default) != option.default
            ):
                name = self.domain.structure.name
                raise InputError(f"--{option.name} {environment[option.name]}: this is about one {name}; give --{name}")
        return {name: environment[name] for name in argument.environment if name in environment}

    def _search(
        self,
        model: Model,
        bound: int,
        properties: list[str],
        max_seconds: str | None,
        max_memory: str | None,
        form: CheckFormat,
        output: Path | None,
    ) -> int:
        from sagacheck._bounded import bounded

        asked = limits(None, max_seconds, max_memory)
        with progress(f"searching {model.design.name} on {model.structure}") as watch:
            result = bounded(
                model.specification(), model.load(), bound, properties=properties, limits=asked, progress=watch
            )
        report_check(model, result, asked, form, output)
        return result.exit_code


@contextlib.contextmanager
def _counting(what: str) -> Iterator[Watch | None]:
    """Show on a terminal how far a proof is."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console

    with Console(stderr=True, markup=False, highlight=False).status(what) as status:
        yield lambda done, total, name: status.update(f"{what}  obligations={done} of {total}  {name}")
