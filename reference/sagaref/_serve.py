"""`python -m sagaref adapter [--connect ADDRESS]`: the executor under test from another process, in lines of JSON.

    sagacheck conform --cmd 'python -m sagaref adapter'

A driver writes messages to standard input, an object a line; the replies of `Adapter` go to standard output, one line
each. With --connect it first connects to a driver that waits (`sagacheck conform --listen ADDRESS`), and both go over
that connection. Standard output carries replies only: whatever else is printed goes to standard error.

    {"command": "end"}            has a reply, and then it exits with 0; so it does when the input ends
    what is no JSON object, a message that there is not, or one that fails
                                  has the reply {"error": ...}, a sentence, and then it exits with 2
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

from sagaref._adapter import Adapter
from sagaref._demo_console import BadInput, OutputClosed, why

__all__ = ["adapt", "serve"]

_FAILED = 2
_HOST_AND_PORT = re.compile(r"\[?([^][/]*)\]?:(\d+)")


def adapt(address: str) -> int:
    """Talk to the driver that waits at HOST:PORT or at the PATH of a socket; to standard input and output for "".

    Returns:
        The exit code.

    Raises:
        BadInput: nobody can be talked to at that address.
        OutputClosed: nobody reads the replies any more.
    """
    try:
        with _connected(address) if address else _standard() as (reading, writing):
            return serve(reading, writing)
    except ConnectionError:
        raise OutputClosed from None


def serve(reading: BinaryIO, writing: BinaryIO) -> int:
    """Answer each line with a line, until the conversation ends; the exit code."""
    adapter = Adapter()
    code = None
    for line in reading:
        reply, code = _answer(adapter, line)
        writing.write(json.dumps(reply).encode() + b"\n")
        writing.flush()
        if code is not None:
            break
    with contextlib.suppress(Exception):  # one that has failed may not be able to
        adapter.close()
    return code or 0


def _answer(adapter: Adapter, line: bytes) -> tuple[dict[str, Any], int | None]:
    """The reply to a line, and the exit code if the conversation ends with it."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        return {"error": f"a line is no JSON: {error}"}, _FAILED
    if not isinstance(message, dict):
        return {"error": f"a message is an object, and no {type(message).__name__}"}, _FAILED
    try:
        reply = adapter.ask(message)
    except Exception as error:  # a message may have anything in it, and the executor under test may fail
        return {"error": f"{message.get('command')} fails with {type(error).__name__}: {error}"}, _FAILED
    return reply, 0 if message["command"] == "end" else None


@contextlib.contextmanager
def _standard() -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """Standard input and output; what others print meanwhile goes to standard error."""
    sys.stdout.flush()
    own = os.dup(1)
    os.dup2(2, 1)
    try:
        with open(own, "wb", closefd=False) as writing:
            yield sys.stdin.buffer, writing
    finally:
        os.dup2(own, 1)
        os.close(own)


@contextlib.contextmanager
def _connected(address: str) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """A connection to a driver, to read from and to write to."""
    found = _HOST_AND_PORT.fullmatch(address)
    with contextlib.ExitStack() as stack:
        try:
            if found is None:
                connection = stack.enter_context(socket.socket(socket.AF_UNIX))
                connection.connect(address)
            else:
                connection = stack.enter_context(socket.create_connection((found[1], int(found[2]))))
        except (OSError, OverflowError, ValueError) as error:
            raise BadInput(f"--connect {address}: no driver can be talked to there: {why(error)}") from None
        yield stack.enter_context(connection.makefile("rb")), stack.enter_context(connection.makefile("wb"))
