"""The conversation with an adapter in another process: a JSON object a line, one reply to each, within a time limit.

Whatever an adapter does, `ask` returns or raises soon after the time limit, and `close` returns. There are no threads:
one loop writes the message, reads the reply, and takes in what the adapter says to people meanwhile. After a fault the
conversation is over, and the other end is stopped.

What a reply says is not looked at here: `Conversation` holds it against the protocol.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import selectors
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from sagacheck._errors import ImplementationError
from sagacheck._protocol import Offer

__all__ = ["Lines", "Peer", "named"]

_LONGEST = 16 * 2**20  # bytes of one reply; a large one has some thousands
_DIGITS = 19  # of a whole number, which the protocol has few of, and small ones
_CHUNK = 2**16  # bytes that are read at once
_SHOWN = 80  # characters of a reply that is nonsense
_SAID = 2**14  # bytes that are kept of what it says to people
_LINES, _WIDTH = 20, 200  # that are shown of it
_PATIENCE = 2.0  # seconds for goodbye
_MOMENT = 0.5  # seconds between the end of the output of a process and that of the process itself
_READS = 64  # at most, of what it has written when it fails; it may write without end
_LONG = 3600.0  # seconds; the operating system may not wait for much longer at once

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Peer(ABC):
    """The other end of a conversation, as `Lines` needs it. Its file descriptors do not block.

    Attributes:
        writing: where messages go.
        reading: where replies come from; another file descriptor.
        talking: where it says something to people; None: nowhere that is known here.
        closed: what it has done when no reply can come any more, in words that follow "it".
    """

    def __init__(self, writing: int, reading: int, talking: int | None, closed: str) -> None:
        self.writing, self.reading, self.talking, self.closed = writing, reading, talking, closed
        for fd in (writing, reading, talking):
            if fd is not None:
                os.set_blocking(fd, False)

    @abstractmethod
    def ended(self, patience: float) -> str | None:
        """How it ended, in words that follow "it"; None where it goes on after so many seconds, or nobody knows."""

    @abstractmethod
    def finish_writing(self) -> None:
        """Tell it that no message comes any more."""

    @abstractmethod
    def stop(self) -> None:
        """End it, whether it wants to or not, and close everything. Is called once, and last."""


class Lines:
    """A connection that speaks lines of JSON with a peer; `seconds` is the time limit for each reply."""

    def __init__(self, peer: Peer, seconds: float) -> None:
        self._peer = peer
        self._seconds = seconds
        self._selector = selectors.DefaultSelector()
        for fd in (peer.reading, peer.talking):
            if fd is not None:
                self._selector.register(fd, selectors.EVENT_READ)
        self._received = bytearray()  # and not yet a reply
        self._said = b""  # the last of what it said to people
        self._ended = False  # nothing can be received any more
        self._goodbye = False  # it was asked to end, and has agreed
        self._broken = False  # there was a fault: nothing more is asked
        self._closed = False

    def ask(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """The reply to a message. When this raises anything, the connection is closed as well.

        Raises:
            ImplementationError: the adapter does not reply within the time limit; or it exits, is killed, or closes its
                output before; or its reply is not UTF-8, no JSON, nested too deep, has a number that no reply needs, or
                is longer than 16 MiB; or it writes more than one line, or before it is asked; or the conversation is
                over. The sentence names the message, and is followed by the last that the adapter wrote to standard
                error, a line each.
        """
        what = named(message)
        if self._closed or self._goodbye:
            raise ImplementationError(f"it cannot be asked {what}: the conversation is over")
        try:
            return self._asked(message, what, self._seconds)
        except BaseException:
            self._broken = True
            self.close()
            raise

    def close(self) -> None:
        """End the conversation: say so, wait for a moment, then stop the peer. A second time it does nothing."""
        if self._closed:
            return
        self._closed = True
        try:
            if not self._broken:
                self._say_goodbye()
        finally:
            self._selector.close()
            self._peer.stop()

    def _say_goodbye(self) -> None:
        """How it takes it does not matter, for it is stopped in any case."""
        deadline = time.monotonic() + min(self._seconds, _PATIENCE)
        if not self._goodbye:
            with contextlib.suppress(ImplementationError):
                self._asked({"command": "end"}, "end", deadline - time.monotonic())
        self._peer.finish_writing()
        while self._selector.get_map() and (left := deadline - time.monotonic()) > 0:
            self._take_in(left)
            self._received.clear()

    def _asked(self, message: Mapping[str, Any], what: str, seconds: float) -> Mapping[str, Any]:
        try:
            line = self._line(message, what, seconds)
        finally:
            with contextlib.suppress(KeyError):
                self._selector.unregister(self._peer.writing)
        try:
            reply = _read(line)
        except ValueError as error:
            raise self._fault(f"its reply to {what} {error}: {_beginning(line)}") from None
        if self._received:
            raise self._fault(f"it wrote more than its reply to {what}: {_beginning(self._received)}")
        self._goodbye = message["command"] == "end"
        return reply

    def _line(self, message: Mapping[str, Any], what: str, seconds: float) -> bytes:
        """Send a message; the first line that comes then."""
        deadline = time.monotonic() + seconds
        self._take_in(0)
        if self._received:
            raise self._fault(f"it wrote before it was asked {what}: {_beginning(self._received)}")
        unsent = memoryview(json.dumps(message).encode() + b"\n")
        looked_at = 0
        while True:
            unsent = self._written(unsent)
            end = self._received.find(b"\n", looked_at)
            looked_at = len(self._received)
            if (looked_at if end < 0 else end) > _LONGEST:
                begins = _beginning(self._received)
                raise self._fault(f"its reply to {what} is a line of more than {_LONGEST >> 20} MiB: {begins}")
            if end >= 0 and unsent:
                raise self._fault(f"it replied to {what} before it had read it: {_beginning(self._received[:end])}")
            if end >= 0:
                line = bytes(self._received[:end])
                del self._received[: end + 1]
                return line
            if self._ended:
                how = self._peer.ended(_MOMENT) or self._peer.closed
                raise self._fault(f"it {how} before it replied to {what}{self._rest()}")
            if time.monotonic() >= deadline:
                did = "it did not even read" if unsent else "it did not reply to"
                gone = self._peer.ended(0)
                but = f", but {gone}" if gone else ""
                raise self._fault(f"{did} {what} within {seconds:g} s{but}{self._rest()}")
            self._take_in(deadline - time.monotonic())

    def _written(self, data: memoryview) -> memoryview:
        """Write as much as it takes now; what is left, and can be written when the selector says so.

        When it reads no more, nothing is left: it may have replied all the same.
        """
        fd = self._peer.writing
        try:
            while data:
                data = data[os.write(fd, data) :]
        except BlockingIOError:
            if fd not in self._selector.get_map():
                self._selector.register(fd, selectors.EVENT_WRITE)
            return data
        except OSError:
            data = data[:0]
        if fd in self._selector.get_map():
            self._selector.unregister(fd)
        return data

    def _take_in(self, seconds: float) -> None:
        """Take in what it has written; wait until there is anything to read, or to write, or so many seconds."""
        for key, _ in self._selector.select(min(max(seconds, 0), _LONG)):
            if key.fd == self._peer.writing:
                continue
            try:
                data = os.read(key.fd, _CHUNK)
            except BlockingIOError:
                continue
            except OSError:  # a connection that was reset
                data = b""
            if key.fd == self._peer.reading:
                self._received += data
                self._ended = not data
            else:
                self._said = (self._said + data)[-_SAID:]
            if not data:
                self._selector.unregister(key.fd)

    def _fault(self, sentence: str) -> ImplementationError:
        """The error, with what it said to people."""
        for _ in range(_READS):
            self._take_in(0)
        text = _COLOUR.sub("", self._said.decode("utf-8", "replace")).expandtabs()
        lines = [line[:_WIDTH].rstrip() for line in text.splitlines() if line.strip()][-_LINES:]
        if lines:
            sentence += "; its standard error ends with"
        said = ("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line) for line in lines)
        return ImplementationError("\n  | ".join((sentence, *said)))

    def _rest(self) -> str:
        return f"; it wrote only {_beginning(self._received)}, without a line end" if self._received else ""


def named(message: Mapping[str, Any]) -> str:
    """A message in an error: `hello`, `load`, `end`, or `step NAME(NODE)`."""
    if message["command"] == "step":
        return f"step {Offer(message['step'], message['node'])}"
    return str(message["command"])


def _beginning(line: bytes | bytearray) -> str:
    """What it wrote, for people."""
    text = bytes(line[: 4 * _SHOWN]).decode("utf-8", "backslashreplace")
    return repr(text[:_SHOWN]) + ("..." if len(text) > _SHOWN else "")


def _read(line: bytes) -> Mapping[str, Any]:
    """The value of a line of JSON. Raises ValueError, which says what the line is or has instead."""
    try:
        reply: Mapping[str, Any] = json.loads(
            line.decode("utf-8"), parse_constant=_no_constant, parse_float=_fraction, parse_int=_whole
        )
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"is no JSON ({error.msg[:1].lower()}{error.msg[1:]} at character {error.colno})") from None
    except RecursionError:
        raise ValueError("is nested too deep") from None
    return reply


def _no_constant(text: str) -> float:
    raise ValueError(f"has {text}, which is no JSON")


def _fraction(text: str) -> float:
    if math.isinf(value := float(text)):
        raise ValueError("has a number that is too large")
    return value


def _whole(text: str) -> int:
    if len(text) > _DIGITS:
        raise ValueError(f"has a number of {len(text)} digits")
    return int(text)
