"""Adapters that break the protocol, one way each: `python fake_adapters.py FAULT AT PIDS`.

Until the message AT (hello, load, step, end, or `start`: before any) each of them replies as it should, then it does
what FAULT says, and goes on if it still can. It adds its process id to the file PIDS, and so does whatever it starts.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

__all__ = ["FAULTS"]

SEEN = {"offers": [{"step": "go", "node": "a"}], "state": {}}
HELLO = {
    "protocol": 1, "implementation": "fake", "version": "0", "language": "Python", "capabilities": [],
    "steps": ["go"], "internal": [], "shows": [],
}  # fmt: skip
REPLIES = {
    "hello": HELLO,
    "load": {"outcome": "taken", **SEEN},
    "step": {"outcome": "taken", **SEEN},
    "end": {"outcome": "taken"},
}


def say(text: bytes) -> None:
    """Write to standard output, all of it."""
    while text:
        text = text[os.write(1, text) :]


def hang() -> None:
    """For longer than any test."""
    time.sleep(1000)


def none() -> None:
    """No fault."""


def leave() -> None:
    """Exit, with a code of its own."""
    os._exit(7)


def leave_well() -> None:
    """Exit as if all were done."""
    os._exit(0)


def crash() -> None:
    """A defect of the adapter, with its traceback."""
    raise RuntimeError("\x1b[31mno such node\x1b[0m")


def chatter() -> None:
    """More to people than a pipe holds."""
    for i in range(20_000):
        sys.stderr.write(f"this is line {i} of what nobody wants to know\n")


def chatter_and_hang() -> None:
    """Many lines to people, one of them long, and no reply."""
    chatter()
    sys.stderr.write("x" * 5000 + "\n")
    sys.stderr.flush()
    hang()


def killed() -> None:
    """As when memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)


def silent() -> None:
    """Live on, but write no more."""
    os.close(1)
    hang()


def unfinished() -> None:
    """A reply whose line has no end, and goodbye."""
    say(b'{"outcome": "taken"}')
    os._exit(0)


def half() -> None:
    """The beginning of a reply, and no more."""
    say(b'{"outcome": ')
    hang()


def chat() -> None:
    """What is meant for people."""
    say(b"Starting up...\n")


def empty() -> None:
    """A line with nothing in it."""
    say(b"\n")


def latin() -> None:
    """Another encoding."""
    say('{"outcome": "prêt"}\n'.encode("latin-1"))


def nan() -> None:
    """What many programs write, and JSON does not have."""
    say(b'{"outcome": "taken", "state": {"x": NaN}}\n')


def digits() -> None:
    """A number that is longer than Python reads."""
    say(b'{"state": {"x": ' + b"9" * 5000 + b"}}\n")


def infinite() -> None:
    """A number that is larger than Python can tell."""
    say(b'{"state": {"x": 1e999}}\n')


def deep() -> None:
    """Lists in lists in lists."""
    say(b"[" * 100_000 + b"]" * 100_000 + b"\n")


def flood() -> None:
    """A line without end."""
    while True:
        say(b"x" * 2**16)


def flood_lines() -> None:
    """Replies without end."""
    while True:
        say(b'{"outcome": "taken"}\n' * 1000)


def flood_people() -> None:
    """Words to people without end, and no reply."""
    while True:
        os.write(2, b"and so on\n" * 1000)


def twice() -> None:
    """Two replies too many, at once."""
    say(b'{"outcome": "taken"}\n{"outcome": "taken"}\n')


def later() -> None:
    """A reply too many, a little later: from a process of its own, so that the other one comes first."""
    code = (
        f"import os, time; open({sys.argv[3]!r}, 'a').write(f'{{os.getpid()}}\\n'); "
        f"time.sleep(0.3); os.write(1, b'late')"
    )
    subprocess.Popen([sys.executable, "-c", code])


def error() -> None:
    """It cannot go on, and says so."""
    say(b'{"error": "the disk is full"}\n')
    os._exit(2)


def version() -> None:
    """It speaks another version of the protocol."""
    say(json.dumps({**HELLO, "protocol": 2}).encode() + b"\n")
    os._exit(0)


def stubborn() -> None:
    """Stay, whoever asks to go."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    hang()


def hasty() -> None:
    """Reply at the first sight of a message; before any, that is."""
    os.read(0, 1)
    say(b'{"outcome": "taken"}\n')
    hang()


def refuse_to_read() -> None:
    """Reply with an error at the first sight of a message, and go."""
    os.read(0, 1)
    error()


def deaf() -> None:
    """Close the input, and stay."""
    os.close(0)
    hang()


def leave_child() -> None:
    """Exit, but leave a process that has the output and does not end when asked to."""
    code = (
        f"import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        f"open({sys.argv[3]!r}, 'a').write(f'{{os.getpid()}}\\n'); time.sleep(1000)"
    )
    subprocess.Popen([sys.executable, "-c", code])
    while Path(sys.argv[3]).read_text("utf-8").count("\n") < 2:
        time.sleep(0.01)
    os._exit(7)


FAULTS: dict[str, Callable[[], None]] = {
    f.__name__: f
    for f in (
        none, hang, leave, leave_well, crash, chatter, chatter_and_hang, killed, silent, unfinished, half, chat, empty,
        latin, nan, digits, infinite, deep, flood, flood_lines, flood_people, twice, later, error, version, stubborn,
        hasty, refuse_to_read, deaf, leave_child,
    )
}  # fmt: skip


def main() -> None:
    """Converse, with one fault."""
    _, fault, at, pids = sys.argv
    with Path(pids).open("a", encoding="utf-8") as file:
        file.write(f"{os.getpid()}\n")
    if at == "start":
        FAULTS[fault]()
    for line in sys.stdin.buffer:
        command = json.loads(line)["command"]
        if command == at:
            FAULTS[fault]()
        say(json.dumps(REPLIES[command]).encode() + b"\n")
        if command == "end":
            break


if __name__ == "__main__":
    main()
