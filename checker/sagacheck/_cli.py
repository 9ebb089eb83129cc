"""The command line: finds the specification that the user selects, and builds the commands with that domain's options.

Every mistake of the user, of a file or of a specification ends in one sentence on standard error and exit code 2.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import typer

from sagacheck._commands import Commands
from sagacheck._conform_commands import ConformCommands
from sagacheck._console import OutputClosedError, tell, write
from sagacheck._domain import Domain, find_domain
from sagacheck._errors import InputError, SagacheckError
from sagacheck._implementation import default_implementation
from sagacheck._model import versions
from sagacheck._options import bind, escape_markup, importable
from sagacheck._prove_commands import ProveCommands
from sagacheck._tla_commands import TlaCommands

__all__ = ["build_app", "main"]

BAD_INPUT = 2
UNDETERMINED = 3
_INTERRUPTED = 130  # what Typer makes of Ctrl-C that comes before a command has begun
CLOSED_PIPE = 141  # as a shell reports a program that SIGPIPE ended

_NAMES = ("--cmd", "--design", "--impl", "--listen", "--output", "--resume", "--steps")  # which are never empty

_DESIGNERS = "To find out whether a design holds"
_READERS = "To read the specification"
_TESTERS = "To test an implementation"
_TRACES = "To go on with what was found"

# What Typer raises for a command line that it cannot read; the classes behind it have moved between its versions.
_UsageError: type[Exception] = typer.BadParameter.__mro__[1]
_CommandLineError: type[Exception] = typer.BadParameter.__mro__[2]


def build_app(domain: Domain, selected: str | None) -> typer.Typer:
    """The commands for a domain that the user selected as `selected` (None: the default one)."""
    commands = Commands(domain, selected)
    again = f"sagacheck --spec {selected}" if selected else "sagacheck"
    app = typer.Typer(
        name="sagacheck",
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        help=f"Check the design of {escape_markup(domain.name)}: {escape_markup(domain.doc)}",
        epilog=f"Try first: {escape_markup(again)} check",
    )

    @app.callback()
    def options(
        spec: str | None = typer.Option(None, "--spec", metavar="NAME|module:object", help="Another specification."),
        version: bool = typer.Option(False, "--version", help="Print the version.", is_eager=True, callback=_version),
    ) -> None:
        pass

    about = escape_markup(_design_space(domain))
    checking = bind(commands.check, domain, structure=domain.structure.default, defaults={"design": domain.default})
    app.command("check", rich_help_panel=_DESIGNERS, epilog=about)(checking)
    proving = ProveCommands(domain, selected)
    proof = bind(proving.prove, domain, structure="", defaults={"design": domain.default})
    app.command("prove", rich_help_panel=_DESIGNERS, epilog=about)(proof)
    app.command("designs", rich_help_panel=_DESIGNERS)(bind(commands.designs, domain, structure=domain.table_structure))
    app.command("explain", rich_help_panel=_READERS)(bind(commands.explain, domain))
    if domain.listing_name:
        text = f"List the packaged {escape_markup(domain.listing_name)}."
        listing = bind(commands.listing, domain, environment=False)
        app.command(domain.listing_name, rich_help_panel=_READERS, help=text)(listing)
    exporting = TlaCommands(domain, selected)
    default = {"design": domain.default}
    tla = bind(exporting.tla, domain, structure=domain.structure.default, defaults=default)
    app.command("tla", rich_help_panel=_READERS)(tla)
    app.command("show", rich_help_panel=_TRACES)(bind(commands.show, domain, environment=False))
    own = default_implementation()
    defaults = {"impl": own} if own else None
    app.command("replay", rich_help_panel=_TRACES)(bind(commands.replay, domain, environment=False, defaults=defaults))
    if domain.conformance is not None:
        testing = ConformCommands(domain, selected)
        structures = " ".join(domain.conformance.structures)
        app.command("conform", rich_help_panel=_TESTERS)(bind(testing.conform, domain, structure=structures))
        app.command("requirements", rich_help_panel=_TESTERS)(bind(testing.requirements, domain))
    return app


def _design_space(domain: Domain) -> str:
    designs = ", ".join(d.name for d in domain.designs)
    axes = "\n\n".join(f"{a.name}={'|'.join(a.values)}: {a.doc}" for a in domain.axes)
    return f"Designs: {designs}.\n\nAxes:\n\n{axes}"


def _version(asked: bool) -> None:
    if asked:
        write(f"sagacheck {versions()['sagacheck']}\n")
        raise typer.Exit


def take_spec(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """The value of `--spec`, wherever it stands, and the other arguments.

    Raises:
        InputError: it has no value, or it is given twice.
    """
    found: list[str] = []
    others: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            others += ["--", *rest]
        elif argument == "--spec":
            found.append(next(rest, ""))
        elif argument.startswith("--spec="):
            found.append(argument.removeprefix("--spec="))
        else:
            others.append(argument)
    if "" in found:
        raise InputError("--spec: give the name of a specification, or module:object")
    if len(set(found)) > 1:
        raise InputError(f"--spec: one specification at a time, not {' and '.join(found)}")
    return found[0] if found else None, others


def refuse_repeated(arguments: Sequence[str], command: Any) -> None:
    """Refuse what Typer lets pass: an option given twice of which the last would count, or an empty name.

    Raises:
        InputError: there is one.
    """
    options = {name: p for p in (command.params if command else ()) for name in p.opts if name.startswith("--")}
    seen: set[str] = set()
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            return
        name, equals, value = argument.partition("=")
        option = options.get(name)
        if option is None or option.is_flag:
            continue
        given = value if equals else next(rest, None)
        if name in _NAMES and given == "":
            raise InputError(f"{name}: give {'-, or ' if name == '--output' else ''}a {option.metavar}")
        if name in seen and not option.multiple:
            raise InputError(f"{name}: give it once")
        seen.add(name)


def load_domain(selected: str | None) -> Domain:
    """The domain that the user selected; for module:object, the current directory is importable.

    Raises:
        InputError: there is none, or importing it fails.
        SpecificationError: a mistake in the specification.
    """
    if selected is not None:
        importable("--spec", selected, "a specification")
    try:
        return find_domain(selected)
    except SagacheckError:
        raise
    except Exception as error:  # whatever the module of a user does when it is imported
        name = f"--spec {selected}" if selected else "the default specification"
        raise InputError(f"{name}: importing it fails with {type(error).__name__}: {error}") from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        selected, others = take_spec(sys.argv[1:] if arguments is None else arguments)
        if others[:1] == ["--version"]:  # whatever specification is or is not installed
            _version(True)
        command = typer.main.get_command(build_app(load_domain(selected), selected))
        if not others:
            command.main(["--help"], prog_name="sagacheck", standalone_mode=False)
            return BAD_INPUT
        refuse_repeated(others[1:], getattr(command, "commands", {}).get(others[0]))
        code = command.main(others, prog_name="sagacheck", standalone_mode=False)
        if code == _INTERRUPTED:
            raise KeyboardInterrupt
        return code if isinstance(code, int) else 0
    except SagacheckError as error:
        return _refused(str(error))
    except typer.Exit as ended:
        return ended.exit_code
    except OutputClosedError:
        return CLOSED_PIPE
    except (KeyboardInterrupt, typer.Abort):
        tell("interrupted")
        return UNDETERMINED
    except OSError as error:
        return _refused(str(error))
    except (RecursionError, MemoryError) as error:
        return _refused(f"this is too large ({type(error).__name__}): check a smaller one")
    except _CommandLineError as error:
        return _refused(_usage(error))


def _refused(sentence: str) -> int:
    """One sentence; what an adapter wrote to its standard error stands in lines below it."""
    said, _, stderr = sentence.partition("\n  | ")
    tell(f"sagacheck: {' '.join(said.split())}" + (f"\n  | {stderr}" if stderr else ""))
    return BAD_INPUT


def _usage(error: BaseException) -> str:
    said = str(getattr(error, "format_message", error.__str__)())
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "sagacheck"
    return f"{said.rstrip('.')}; see {path} --help" if isinstance(error, _UsageError) else said
