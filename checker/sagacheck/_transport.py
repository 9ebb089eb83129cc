"""Connections to adapters in other processes, on Unix: one that is started here, or one that connects here.

`sagacheck._lines` says how they are talked to.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

from sagacheck._errors import InputError
from sagacheck._lines import Lines, Peer
from sagacheck._protocol import Connection

__all__ = ["listening", "started"]

_MOMENT = 0.5  # seconds that a process has to end when it is asked to
_KILLED = 5.0  # seconds in which the operating system has ended one that is killed

_HOST_AND_PORT = re.compile(r"(?:\[([^][]*)\]|([^][:]*)):(\d{1,5})")


def started(command: str, seconds: float) -> Connection:
    """A connection to an adapter that is started here, and speaks on its standard input and output.

    No shell reads the command; it is split as a shell would. The adapter is the first of a process group of its own,
    which is killed when the connection is closed.

    Args:
        command: the program and its arguments.
        seconds: the time limit for each reply.

    Raises:
        InputError: it is no command, there is no such program, or it cannot be started.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise InputError(f"--cmd {command}: this cannot be split into words: {str(error).lower()}") from None
    if not words:
        raise InputError("--cmd: give the program that is the adapter, with its arguments")
    try:
        return Lines(_Child(words), seconds)
    except FileNotFoundError:
        if shutil.which(words[0]) is None:
            raise InputError(f"--cmd {command}: there is no program {words[0]!r}") from None
        raise InputError(f"--cmd {command}: what {words[0]!r} says in its first line is no program") from None
    except OSError as error:
        raise InputError(f"--cmd {command}: {words[0]!r} cannot be started: {error.strerror or error}") from None
    except ValueError as error:  # a character that no argument can have
        raise InputError(f"--cmd {command!r}: it cannot be started: {error}") from None


def listening(address: str, seconds: float, tell: Callable[[str], None]) -> Connection:
    """A connection to an adapter that connects here: waits, without a time limit, until one does.

    Nobody else can connect then: the address is given up, and the socket file removed, as soon as one has connected, or
    Ctrl-C ended the waiting.

    Args:
        address: HOST:PORT, where HOST is `localhost` or an address of this machine's loopback interface and PORT may be
            0 for any, or the PATH of a socket file that is to be made, for this user only.
        seconds: the time limit for each reply.
        tell: says to the person at the terminal where an adapter is waited for.

    Raises:
        InputError: it is no address, another machine could connect to it, something has the path or the port
            already, or it cannot be made for another reason.
    """
    found = _HOST_AND_PORT.fullmatch(address)
    path = None
    if found is None:
        if not address or (":" in address and "/" not in address) or address.isdigit():
            raise InputError(f"--listen {address}: give HOST:PORT, or the PATH of a socket file")
        path = Path(address)
    try:
        server = _at_path(path) if path is not None else _at_port(address, found)
    except (OSError, ValueError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or error
        raise InputError(f"--listen {address}: nobody can wait there: {reason}") from None
    try:
        tell(f"waiting for an adapter at {address if path is not None else _shown(server)}")
        connected, _ = server.accept()
    finally:
        server.close()
        if path is not None:
            path.unlink(missing_ok=True)
    return Lines(_Caller(connected), seconds)


def _at_path(path: Path) -> socket.socket:
    if os.path.lexists(path):
        raise InputError(f"--listen {path}: there is something of that name; give a path where nothing is")
    server = socket.socket(socket.AF_UNIX)
    try:
        server.bind(os.fspath(path))
        path.chmod(0o600)
        server.listen(1)
    except BaseException:
        server.close()
        raise
    return server


def _at_port(address: str, found: re.Match[str] | None) -> socket.socket:
    assert found is not None
    host = found[1] or found[2]
    numeric = "127.0.0.1" if host == "localhost" else host
    try:
        ip = ipaddress.ip_address(numeric)
    except ValueError:
        ip = None
    if ip is None or not ip.is_loopback:
        raise InputError(f"--listen {address}: only localhost, 127.0.0.1 and [::1] are accepted as HOST")
    port = int(found[3])
    if port >= 2**16:
        raise InputError(f"--listen {address}: there is no port {port}")
    family = socket.AF_INET if ip.version == 4 else socket.AF_INET6
    return socket.create_server((numeric, port), family=family, backlog=1)


def _shown(server: socket.socket) -> str:
    host, port = server.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class _Child(Peer):
    """An adapter that was started here."""

    def __init__(self, words: list[str]) -> None:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(words, bufsize=0, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)
        streams = self._process.stdin, self._process.stdout, self._process.stderr
        self._streams = [s for s in streams if s is not None]
        writing, reading, talking = (s.fileno() for s in self._streams)
        super().__init__(writing, reading, talking, "closed its standard output")

    def ended(self, patience: float) -> str | None:
        try:
            code = self._process.wait(patience)
        except subprocess.TimeoutExpired:
            return None
        if code >= 0:
            return f"exited with code {code}"
        try:
            return f"was killed by {signal.Signals(-code).name}"
        except ValueError:  # one without a name
            return f"was killed by signal {-code}"

    def finish_writing(self) -> None:
        self._streams[0].close()

    def stop(self) -> None:
        try:
            self._signal(signal.SIGTERM)
            self.ended(_MOMENT)
        finally:  # also at a second Ctrl-C
            self._signal(signal.SIGKILL)
            self.ended(_KILLED)
            for stream in self._streams:
                stream.close()

    def _signal(self, number: signal.Signals) -> None:
        """To the process, and to all that it has started and left in its group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody is there, or only a dead one
            os.killpg(self._process.pid, number)


class _Caller(Peer):
    """An adapter that has connected here."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        super().__init__(os.dup(connected.fileno()), connected.fileno(), None, "closed the connection")

    def ended(self, patience: float) -> str | None:  # noqa: ARG002
        return None

    def finish_writing(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def stop(self) -> None:
        os.close(self.writing)
        self._socket.close()
