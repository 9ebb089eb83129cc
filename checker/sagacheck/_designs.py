"""The table of the design space: every property decided for each design, one check a row.

Rows are values that can be kept: `Kept` is a file of them, one JSON object a line, so that a long run can be ended at
any time and taken up again. A row belongs to one version, specification, structure, environment, limits and settings,
and to the digest of what these stood for: when a file or a specification changes, its rows are decided again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sagacheck._check import DEADLOCK, check
from sagacheck._digest import digest
from sagacheck._domain import Design, Domain
from sagacheck._errors import InputError
from sagacheck._explore import Limits
from sagacheck._json_report import limits_json
from sagacheck._model import Model, versions
from sagacheck._progress import Progress
from sagacheck._specification import Kind, Property, Specification
from sagacheck._structure import Structure
from sagacheck._verdict import Outcome, Result, Verdict

__all__ = ["Cell", "Kept", "Place", "Row", "SettingsKey", "Space", "columns", "decide", "places", "settings_key"]

SettingsKey = tuple[tuple[str, str], ...]

_FORMAT = "sagacheck-designs-row-1"


@dataclass(frozen=True)
class Cell:
    """The verdict on one property for one design; `length` is that of the counterexample or of the witness."""

    verdict: str
    length: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class Row:
    """One design, decided. `cells`: property name -> cell."""

    settings: Mapping[str, str]
    cells: Mapping[str, Cell]
    states: int
    seconds: float
    stopped: str

    @property
    def verdict(self) -> str:
        """Of all properties together, as `Result.verdict`."""
        found = {c.verdict for c in self.cells.values()}
        order = (Verdict.VIOLATED, Verdict.UNDETERMINED, Verdict.HOLDS)
        return next((v.value for v in order if v.value in found), Verdict.NOT_CHECKED.value)


@dataclass(frozen=True)
class Place:
    """Where a design stands in the table: under which heading, called what there."""

    section: str
    label: str
    design: Design


@dataclass(frozen=True)
class Space:
    """What all rows of a table have in common."""

    domain: Domain
    spec: str | None
    structure: str
    environment: Mapping[str, str]
    limits: Limits

    def model(self, design: Design) -> Model:
        """The model of one row."""
        return Model(self.domain, self.spec, design, self.structure, self.environment)

    def properties(self) -> tuple[Property, ...]:
        """Every property, in the order of the specification; those of the default design stand for all."""
        default = self.domain.design(self.domain.default)
        return (*self.model(default).specification().properties, DEADLOCK)

    def key(self, settings: Mapping[str, str], content: str) -> dict[str, object]:
        """What a row belongs to, as JSON values; `content` is the digest of its specification and structure."""
        return {
            "format": _FORMAT,
            "version": versions()["sagacheck"],
            "spec": self.domain.name,
            "structure": self.structure,
            "environment": dict(self.environment),
            "limits": limits_json(self.limits),
            "settings": dict(settings),
            "digest": content,
        }


def settings_key(d: Design) -> SettingsKey:
    """The settings of a design, in an order of their own, as a key."""
    return tuple(sorted(d.settings.items()))


def places(domain: Domain, *, every: bool) -> Iterator[Place]:
    """The designs of the table: the named ones and those one axis away from the default; or every combination."""
    named = {settings_key(d): d.name for d in reversed(domain.designs)}
    base = domain.design(domain.default)

    def label(d: Design) -> str:
        changed = " ".join(f"{a}={v}" for a, v in d.settings.items() if base.settings[a] != v)
        same = named.get(settings_key(d))
        return f"{changed} ({same})" if same and changed else same or changed

    if every:
        yield from (Place(f"all combinations, {base.name} but for", label(d), d) for d in domain.combinations())
    else:
        yield from (Place("named designs", d.name, d) for d in domain.designs)
        yield from (Place(f"{base.name}, one axis changed", label(d), d) for d in domain.deviations())


def decide(
    space: Space, wanted: Iterable[Design], kept: Kept, watch: Callable[[str], Any]
) -> Iterator[tuple[Design, Row]]:
    """Each design once, in order, from the file where it is there; ends early, after whole rows, at Ctrl-C.

    Args:
        space: what the rows have in common.
        wanted: the designs; one that is there twice is decided once.
        kept: the rows of earlier runs, to which new ones are added.
        watch: given a title, a context manager whose value is a progress callback or None.

    Raises:
        InputError: a design or the structure is refused, or the file cannot be written.
    """
    designs = list({settings_key(d): d for d in reversed(list(wanted))}.values())[::-1]
    for i, design in enumerate(designs, 1):
        try:
            model = space.model(design)
            specification, loaded = model.specification(), model.load()
            key = space.key(design.settings, digest(specification, loaded))
            row = kept.get(key)
            if row is None:
                with watch(f"design {i} of {len(designs)}: {design.name}") as progress:
                    row = _decided(design, specification, loaded, space.limits, progress)
                if row is not None:
                    kept.add(key, row)
        except KeyboardInterrupt:
            row = None
        if row is None:
            return
        yield design, row


def _decided(
    design: Design, specification: Specification, loaded: Structure, limits: Limits, progress: Progress | None
) -> Row | None:
    result = check(specification, loaded, limits=limits, progress=progress)
    if result.exploration.stopped == "interrupted":
        return None
    return _row(design, result)


def _row(design: Design, result: Result) -> Row:
    e = result.exploration
    cells = {o.property.name: _cell(o) for o in result.outcomes}
    return Row(dict(design.settings), cells, e.states, round(e.seconds, 3), e.stopped)


def _cell(o: Outcome) -> Cell:
    return Cell(o.verdict.value, len(o.trace.steps) if o.trace else None, o.reason)


# Rows on disk --------------------------------------------------------------------------------------------------------


class Kept:
    """Rows that earlier runs decided, and the file to which this one adds; without a path, nothing is kept.

    Raises:
        InputError: the file cannot be read, or a line of it is not a row of a table of designs. A last line without an
            end, left by a run that was killed, is cut off.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._rows: dict[str, Row] = {}
        if path is not None and path.exists():
            if not path.is_file():
                raise InputError(f"--resume {path}: this is no regular file")
            self._read(path)

    def _read(self, path: Path) -> None:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise InputError(f"--resume {path}: cannot be read ({error.strerror or error})") from None
        whole = data.rfind(b"\n") + 1
        for number, line in enumerate(data[:whole].splitlines(), 1):
            try:
                self._take(json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                raise InputError(f"--resume {path}: line {number} is no row of a table of designs") from None
        if whole < len(data):
            if not whole and not data.startswith(b'{"format": "sagacheck-designs-row'[: len(data)]):
                raise InputError(f"--resume {path}: line 1 is no row of a table of designs")
            try:
                os.truncate(path, whole)
            except OSError as error:
                raise InputError(f"--resume {path}: cannot be written ({error.strerror or error})") from None

    def _take(self, line: Any) -> None:
        if line["format"] != _FORMAT:
            raise ValueError(line["format"])
        row = line.pop("row")
        cells = {name: Cell(**cell) for name, cell in row.pop("cells").items()}
        self._rows[_text(line)] = Row(line["settings"], cells, **row)

    def get(self, key: Mapping[str, object]) -> Row | None:
        """The row that belongs to that key, if an earlier run decided it."""
        return self._rows.get(_text(key))

    def add(self, key: Mapping[str, object], row: Row) -> None:
        """Keep a row; it is on the disk when this returns. Raises InputError."""
        self._rows[_text(key)] = row
        if self.path is None:
            return
        inner = {k: v for k, v in asdict(row).items() if k != "settings"}
        line = json.dumps({**key, "row": inner}, ensure_ascii=False) + "\n"
        try:
            with self.path.open("ab") as stream:
                stream.write(line.encode("utf-8"))
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise InputError(f"--resume {self.path}: cannot be written ({error.strerror or error})") from None


def _text(key: Mapping[str, object]) -> str:
    return json.dumps(key, sort_keys=True)


def columns(properties: Iterable[Property]) -> tuple[tuple[Property, ...], tuple[Property, ...]]:
    """The properties that have a column each, and the *sometimes* ones that share one."""
    every = tuple(properties)
    own = tuple(p for p in every if p.kind is not Kind.SOMETIMES)
    return own, tuple(p for p in every if p.kind is Kind.SOMETIMES)
