"""The command `tla`: the specification of one design as TLA+ modules, for TLC and for people who read TLA+."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from sagacheck._console import tell, write
from sagacheck._digest import digest
from sagacheck._domain import Domain
from sagacheck._errors import InputError
from sagacheck._model import Model
from sagacheck._options import (
    OUTPUT,
    AxisChanges,
    DesignName,
    SpecOption,
    changes,
)
from sagacheck._output import replace_files
from sagacheck._structure import Structure
from sagacheck._tla_model import ModelFiles
from sagacheck._tla_module import Module

__all__ = ["TlaCommands", "files_of"]

MARK = "Written by `"  # in every file that the command writes, so that it replaces no other one


class TlaCommands:
    """The command, for one domain that the user selected as `selected` (None: the default)."""

    def __init__(self, domain: Domain, selected: str | None) -> None:
        self.domain = domain
        self.selected = selected

    def tla(
        self,
        structure: str,
        environment: Mapping[str, str],
        *,
        spec: SpecOption = None,  # noqa: ARG002  (found before the command line was read)
        design: DesignName = "",
        axes: AxisChanges = None,
        output: Annotated[
            Path | None,
            typer.Option(
                "--output",
                metavar="DIR",
                help="Write the module, its MC module and the .cfg there; without it, print the module.",
                rich_help_panel=OUTPUT,
            ),
        ] = None,
    ) -> int:
        """Write the specification of one design as a TLA+ module, with what TLC needs to check it on one structure.

        Exit code: 0 written, 2 wrong usage or bad input.
        """
        chosen = self.domain.design(design, changes(axes or ()))
        model = Model(self.domain, self.selected, chosen, structure, environment)
        made = files_of(model, _arguments(self.domain, model, design, axes or ()))
        if output is None or str(output) == "-":
            write(next(iter(made.values())))
            return 0
        _refuse_foreign(output, made)
        replace_files(output, made)
        tell(f"written: {', '.join(str(output / name) for name in made)}")
        return 0


def files_of(model: Model, arguments: Sequence[str]) -> dict[str, str]:
    """The files of a model by name: the module, its MC module, the .cfg.

    Args:
        model: what is written.
        arguments: of the command `tla` that writes it.

    Raises:
        InputError: a structure or an environment that means nothing.
    """
    specification, structure = model.specification(), model.load()
    written = f"{MARK}{model.command('tla', *arguments)}`"
    module = Module(specification, _header(model, written), model.domain.terms)
    files = ModelFiles(
        module,
        structure,
        _model_header(model, module, structure, written),
        _identity(model, digest(specification, structure)),
    )
    name = module.names.module
    return {f"{name}.tla": module.text(), f"MC{name}.tla": files.text(), f"MC{name}.cfg": files.config()}


def _arguments(domain: Domain, model: Model, design: str, axes: Sequence[str]) -> list[str]:
    """The command's arguments again, without those that have their default."""
    given = ["--design", design, *(word for axis in axes for word in ("--set", axis))]
    if model.structure != domain.structure.default:
        given += [f"--{domain.structure.name}", model.structure]
    for option in domain.environment:
        if model.environment[option.name] != option.default:
            given += [f"--{option.name}", model.environment[option.name]]
    return [shlex.quote(word) for word in given]


def _identity(model: Model, said: str) -> dict[str, Any]:
    identity = {key: value for key, value in model.identity().items() if key != "versions"}
    return {**identity, "digest": said}


def _header(model: Model, written: str) -> list[str]:
    domain, design = model.domain, model.design
    wide = max((len(f"{a.name}={design.settings[a.name]}") for a in domain.axes), default=0)
    paragraphs = [domain.doc, *domain.about]
    if domain.axes:
        paragraphs.append(f"The design {design.name}" + (f": {design.doc}" if design.doc else "."))
        rows = [(f"{a.name}={design.settings[a.name]}", a.doc) for a in domain.axes]
        paragraphs.append("\n".join(line for row in rows for line in _row(*row, wide)))
    if domain.environment:
        wide = max(len(f"{o.name}={model.environment[o.name]}") for o in domain.environment)
        rows = [(f"{o.name}={model.environment[o.name]}", o.doc) for o in domain.environment]
        paragraphs += ["Its environment:", "\n".join(line for row in rows for line in _row(*row, wide))]
    return [*paragraphs, f"{written}: what is to be changed is the specification, not this."]


def _row(name: str, said: str, wide: int) -> list[str]:
    """A name and what it means, in lines that fit a box."""
    import textwrap

    lead = f"  {name:<{wide}}  "
    return textwrap.wrap(said, 73, initial_indent=lead, subsequent_indent=" " * len(lead))


def _model_header(model: Model, module: Module, structure: Structure, written: str) -> list[str]:
    name = module.names.module
    return [
        f"The module {name} for the {model.domain.structure.name} {structure.name}, to be checked by TLC:",
        f"  java -cp tla2tools.jar tlc2.TLC -deadlock -config MC{name}.cfg MC{name}.tla",
        f"{written}.",
    ]


def _refuse_foreign(folder: Path, made: Mapping[str, str]) -> None:
    """Refuse a folder that cannot be written to, or in which a file of ours would replace one that is not.

    Raises:
        InputError: it is like that.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"--output {folder}: this is a file; name a folder")
    where = folder if folder.is_dir() else folder.resolve().parent
    if not where.is_dir():
        raise InputError(f"--output {folder}: there is no folder {where}")
    if not os.access(where, os.W_OK | os.X_OK):
        raise InputError(f"--output {folder}: no permission to write in {where}")
    for name in made:
        path = folder / name
        if path.is_dir() or (path.exists() and MARK not in path.read_text("utf-8", errors="replace")):
            raise InputError(f"--output {folder}: {name} in it was not written by this command; name another folder")
