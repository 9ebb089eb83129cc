"""`python -m sagaref demo`, and `adapter`.

Exit codes: 0 done, 2 bad input, 130 Ctrl-C, 141 nobody reads standard output any more.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from sagaref._demo import app as demo
from sagaref._demo_console import Interrupted, OutputClosed, complain
from sagaref._errors import SagaError
from sagaref._serve import adapt

__all__ = ["main"]

_BAD_INPUT = 2
_INTERRUPTED = 130  # as a shell reports a program that Ctrl-C ended
_CLOSED_PIPE = 141  # and one that SIGPIPE ended

_ADVICE = "interrupted; what is durable is kept, and `demo resume FILE` goes on with a FILE that was given to run --db"

# What Typer raises for a command line that it cannot read; the class behind it has moved between its versions.
_CommandLineError: type[Exception] = typer.BadParameter.__mro__[2]

_CONNECT = typer.Option("", metavar="HOST:PORT|PATH", help="Connect to the driver that waits there.")

_app = typer.Typer(name="sagaref", add_completion=False, rich_markup_mode=None)
_app.add_typer(demo, name="demo")


@_app.callback()
def _sagaref() -> None:
    """A durable saga executor that conforms to the specification of this project."""


@_app.command()
def adapter(connect: str = _CONNECT) -> int:
    """The executor under test: answers sagacheck on standard input and output, or over a connection."""
    return adapt(connect)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        command = typer.main.get_command(_app)
        code = command.main(given or ["--help"], prog_name="python -m sagaref", standalone_mode=False)
    except (Interrupted, KeyboardInterrupt, typer.Abort):
        code = _INTERRUPTED
    except OutputClosed:
        return _CLOSED_PIPE
    except SagaError as error:
        complain(str(error))
        return _BAD_INPUT
    except _CommandLineError as error:
        sentence = error.format_message().rstrip(".")  # type: ignore[attr-defined]
        complain(f"{sentence}; see python -m sagaref {_command(given)} --help")
        return _BAD_INPUT
    if code == _INTERRUPTED:
        complain("interrupted" if _command(given) == "adapter" else _ADVICE)
        return _INTERRUPTED
    return (code or 0) if given else _BAD_INPUT


def _command(given: list[str]) -> str:
    return "adapter" if given[:1] == ["adapter"] else "demo"


if __name__ == "__main__":
    sys.exit(main())
