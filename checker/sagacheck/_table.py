"""The table of designs as text, Markdown and JSON: a numbered column a property with its key, a word a row."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from sagacheck._designs import Cell, Place, Row, SettingsKey, Space, columns, settings_key
from sagacheck._json_report import limits_json
from sagacheck._model import versions
from sagacheck._narration import first_sentence
from sagacheck._specification import Property
from sagacheck._verdict import Verdict

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["Table"]

_HOLDS, _VIOLATED = Verdict.HOLDS.value, Verdict.VIOLATED.value
_FEW = 20
_SIGNS = {_HOLDS: "·", Verdict.UNDETERMINED.value: "?", Verdict.NOT_CHECKED.value: "-"}
_LEGEND = (
    "· holds    NUMBER violated, by a counterexample of so many steps    ? undetermined    - not checked    "
    "reached: how many of the sometimes-properties are"
)


@dataclass(frozen=True)
class Table:
    """The whole table.

    Attributes:
        asked: the designs, with where they stand.
        rows: settings -> row; where one is missing, the run was ended before it.
    """

    space: Space
    properties: tuple[Property, ...]
    asked: tuple[Place, ...]
    rows: Mapping[SettingsKey, Row]

    @property
    def complete(self) -> bool:
        """Whether every row is there."""
        return all(_key(p) in self.rows for p in self.asked)

    def row(self, place: Place) -> Row | None:
        """The row of that design, None where the run was ended before it."""
        return self.rows.get(_key(place))

    # Text --------------------------------------------------------------------------------------------------------

    def parts(self) -> Iterator[RenderableType]:
        """For people: heading, table, key."""
        from rich import box
        from rich.padding import Padding
        from rich.table import Table as Grid
        from rich.text import Text

        own, shared = columns(self.properties)
        yield Text(self._title(), "bold")
        grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
        grid.add_column("design", overflow="fold")
        for i in range(1, len(own) + 1):
            grid.add_column(str(i), justify="right", no_wrap=True)
        grid.add_column("reached", justify="right", no_wrap=True)
        grid.add_column("verdict", no_wrap=True)
        section = None
        for place in self._shown():
            if place.section != section:
                section = place.section
                if grid.row_count:
                    grid.add_section()
                grid.add_row(Text(f"{section}:", "dim"))
            row = self.row(place)
            if row is None:
                grid.add_row(_indented(place.label), *[""] * (len(own) + 1), Text("not computed", "dim"))
                continue
            cells = [_styled(row.cells.get(p.name)) for p in own]
            grid.add_row(_indented(place.label), *cells, _reached(row, shared), _word(row.verdict))
        yield Padding(grid, (1, 0))
        yield Text(_LEGEND, "dim")
        yield self._key_of_columns(own, shared)
        for sentence in self.sentences():
            yield Padding(Text(sentence), (1, 0, 0, 0))

    def _shown(self) -> Iterator[Place]:
        """The rows that are there, and those that are missing if they are few."""
        missing = sum(self.row(p) is None for p in self.asked)
        return (p for p in self.asked if self.row(p) is not None or missing <= _FEW)

    def _title(self) -> str:
        s = self.space
        environment = "".join(f", {k}={v}" for k, v in s.environment.items())
        return f"designs of {s.domain.name} on {s.domain.structure.name} {s.structure}{environment}"

    def _key_of_columns(self, own: Sequence[Property], shared: Sequence[Property]) -> RenderableType:
        from rich.padding import Padding
        from rich.table import Table as Grid

        key = Grid.grid(padding=(0, 1))
        key.add_column(justify="right")
        for i, p in enumerate(own, 1):
            key.add_row(str(i), p.name, first_sentence(p.doc))
        for p in shared:
            key.add_row("reached", p.name, first_sentence(p.doc))
        return Padding(key, (1, 0, 0, 0))

    def sentences(self) -> Iterator[str]:
        """What the table says, in words."""
        by: dict[str, list[str]] = {}
        done: dict[SettingsKey, Place] = {}
        for place in self.asked:
            if self.row(place) is not None:
                done.setdefault(_key(place), place)
        for place in done.values():
            row = self.row(place)
            assert row is not None
            by.setdefault(row.verdict, []).append(place.label)
        total = len(done)
        holding = by.get(_HOLDS, [])
        yield f"{len(holding)} of {total} designs satisfy everything that was checked: {', '.join(holding) or 'none'}."
        unsure = by.get(Verdict.UNDETERMINED.value, [])
        if unsure:
            yield f"{len(unsure)} undetermined within the limits: {', '.join(unsure)}."
        if not self.complete:
            missing = sum(self.row(p) is None for p in self.asked)
            yield f"The table is not complete: {missing} designs were not computed."

    # Markdown ----------------------------------------------------------------------------------------------------

    def markdown(self) -> str:
        """For a page: the same table, the same key."""
        own, shared = columns(self.properties)
        head = ["design", *(str(i) for i in range(1, len(own) + 1)), "reached", "verdict"]
        lines = [f"Table: {self._title()}.", "", _bar(head), _bar(["---", *["--:"] * (len(own) + 1), "---"])]
        section = None
        for place in self._shown():
            if place.section != section:
                section = place.section
                lines.append(_bar([f"*{section}*", *[""] * (len(own) + 2)]))
            row = self.row(place)
            if row is None:
                lines.append(_bar([f"`{place.label}`", *[""] * (len(own) + 1), "not computed"]))
                continue
            signs = [_sign(row.cells.get(p.name)) for p in own]
            lines.append(_bar([f"`{place.label}`", *signs, _reached(row, shared), row.verdict]))
        lines += ["", _LEGEND.replace("    ", "; ") + ".", ""]
        lines += [f"{i}. `{p.name}`: {first_sentence(p.doc)}" for i, p in enumerate(own, 1)]
        if shared:
            lines += ["", *(f"- reached: `{p.name}`: {first_sentence(p.doc)}" for p in shared)]
        return "\n".join([*lines, "", *self.sentences()]) + "\n"

    # JSON --------------------------------------------------------------------------------------------------------

    def json(self) -> str:
        """For programs, as `schemas/designs.schema.json` says."""
        s = self.space
        properties = [{"name": p.name, "kind": p.kind.value, "doc": " ".join(p.doc.split())} for p in self.properties]
        document = {
            "format": "sagacheck-designs-1",
            "spec": s.domain.name,
            "structure": s.structure,
            "environment": dict(s.environment),
            "limits": limits_json(s.limits),
            "versions": versions(),
            "properties": properties,
            "rows": [_row_json(p, row) for p in self.asked if (row := self.row(p)) is not None],
            "complete": self.complete,
        }
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _indented(label: str) -> RenderableType:
    from rich.padding import Padding

    return Padding(label, (0, 0, 0, 2), expand=False)


def _key(place: Place) -> SettingsKey:
    return settings_key(place.design)


def _row_json(place: Place, row: Row) -> dict[str, object]:
    inner = asdict(row)
    return {"section": place.section, "design": place.design.name, "verdict": row.verdict, **inner}


def _sign(cell: Cell | None) -> str:
    if cell is None:
        return "-"
    if cell.verdict == _VIOLATED:
        return "x" if cell.length is None else str(cell.length)
    return _SIGNS[cell.verdict]


def _styled(cell: Cell | None) -> RenderableType:
    from rich.text import Text

    styles = {_VIOLATED: "bold red", _HOLDS: "green", Verdict.UNDETERMINED.value: "yellow"}
    return Text(_sign(cell), styles.get(cell.verdict if cell else "", "dim"))


def _word(verdict: str) -> RenderableType:
    from rich.text import Text

    from sagacheck._text import STYLES

    return Text(verdict, STYLES[Verdict(verdict)])


def _reached(row: Row, shared: Sequence[Property]) -> str:
    cells = [row.cells[p.name] for p in shared if p.name in row.cells]
    counted = [c for c in cells if c.verdict != Verdict.NOT_CHECKED.value]
    return f"{sum(c.verdict == _HOLDS for c in counted)}/{len(counted)}" if counted else "-"


def _bar(cells: Sequence[str]) -> str:
    return "| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |"
