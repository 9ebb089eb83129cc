"""The definition of a name of the specification: a property, a design, an action, an axis, a definition, a variable.

What is shown is the text of the specification itself, from the file and line at which it stands.
"""

from __future__ import annotations

import difflib
import inspect
import linecache
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sagacheck._check import DEADLOCK
from sagacheck._designs import settings_key
from sagacheck._domain import Axis, Design, Domain
from sagacheck._errors import InputError
from sagacheck._expr import Expr, render, walk
from sagacheck._sorts import EnumSort
from sagacheck._specification import Action, Definition, Property, Specification, Variable

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["explain", "source_text"]

_LONGEST_GUARD = 60  # operators
_LONGEST_NAME = 60


def source_text(place: tuple[str, int]) -> str:
    """The function of the specification that starts on that line of that file, or "" where it cannot be read."""
    file, line = place
    lines = linecache.getlines(file)
    if not 0 < line <= len(lines):
        return ""
    return textwrap.dedent("".join(inspect.getblock(lines[line - 1 :]))).rstrip()


def explain(domain: Domain, name: str, environment: Mapping[str, str]) -> Iterator[RenderableType]:
    """The parts of the explanation.

    Raises:
        InputError: nothing has that name.
    """
    explained = _Names(domain, environment)
    known: dict[str, Callable[[], Iterator[RenderableType]]] = explained.all()
    if name not in known:
        lower = {k.lower(): k for k in known}
        near = [lower[k] for k in difflib.get_close_matches(name.lower(), lower, 3)]
        hint = f"did you mean {' or '.join(repr(n) for n in near)}?" if near else f"there are {explained.counted()}"
        shown = name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}..."
        raise InputError(f"there is no property, design, action, axis, definition or variable {shown!r}; {hint}")
    yield from known[name]()


class _Names:
    """Everything that has a name, in the default design or, failing that, in one of the others."""

    def __init__(self, domain: Domain, environment: Mapping[str, str]) -> None:
        self.domain = domain
        self.environment = environment
        every = [domain.design(domain.default), *domain.designs, *domain.deviations()]
        self.designs = list({settings_key(d): d for d in reversed(every)}.values())[::-1]
        self.counts: dict[str, int] = {}

    def all(self) -> dict[str, Callable[[], Iterator[RenderableType]]]:
        """Name -> what explains it; a name that several kinds share is explained as all of them."""
        several: dict[str, list[Callable[[], Iterator[RenderableType]]]] = {}
        for d in self.domain.designs:
            several.setdefault(d.name, []).append(lambda d=d: self.design(d))  # type: ignore[misc]
        for axis in self.domain.axes:
            several.setdefault(axis.name, []).append(lambda axis=axis: self.axis(axis))  # type: ignore[misc]
        parts: dict[tuple[str, str], list[tuple[Design, object]]] = {}
        for design in self.designs:
            specification = self.domain.specify(design.settings, self.environment)
            for part in self._parts(specification):
                parts.setdefault((type(part).__name__, part.name), []).append((design, part))
        kinds = [kind for kind, _ in parts]
        self.counts = {"design": len(self.domain.designs), "axis": len(self.domain.axes)}
        self.counts |= {k.__name__.lower(): kinds.count(k.__name__) for k in (Property, Action, Definition, Variable)}
        for (_, name), found in parts.items():
            several.setdefault(name, []).append(lambda found=found: self.part(found))  # type: ignore[misc]
        return {name: lambda makers=makers: (p for m in makers for p in m()) for name, makers in several.items()}  # type: ignore[misc]

    def counted(self) -> str:
        """How many names of each kind there are, and where to see them."""
        plural = {"axis": "axes", "property": "properties"}
        counts = [f"{n} {kind if n == 1 else plural.get(kind, f'{kind}s')}" for kind, n in self.counts.items() if n]
        listed = "`check --help` names the designs and axes, `check --coverage` the properties and actions"
        return f"{', '.join(counts[:-1])} and {counts[-1]} ({listed})"

    @staticmethod
    def _parts(s: Specification) -> Iterator[Property | Action | Definition | Variable]:
        yield from s.properties
        yield DEADLOCK
        yield from s.actions
        yield from s.definitions
        yield from s.variables

    # One kind of thing each ------------------------------------------------------------------------------------------

    def design(self, d: Design) -> Iterator[RenderableType]:
        usual = self.domain.design(self.domain.default)
        default = d.name == usual.name
        yield from _heading("design", d.name, d.doc)
        rows = [(a.name, d.settings[a.name]) for a in self.domain.axes]
        yield from _facts(
            [(n, v + ("" if usual.settings[n] == v else f"   ({usual.name}: {usual.settings[n]})")) for n, v in rows]
        )
        changed = [f"{n}={v}" for n, v in rows if usual.settings[n] != v]
        if default:
            yield "\nThis is the default design."
        else:
            yield f"\nIt differs from {usual.name} in: {', '.join(changed) or 'nothing'}."

    def axis(self, axis: Axis) -> Iterator[RenderableType]:
        yield from _heading("axis", axis.name, axis.doc)
        facts = []
        for value in axis.values:
            users = [d.name for d in self.domain.designs if d.settings[axis.name] == value]
            facts.append((f"{axis.name}={value}", f"in {', '.join(users)}" if users else "in no named design"))
        yield from _facts(facts)

    def part(self, found: list[tuple[Design, object]]) -> Iterator[RenderableType]:
        part = found[0][1]
        facts: list[tuple[str, str]] = []
        match part:
            case Property():
                yield from _heading(f"property ({part.kind.value})", part.name, part.doc)
                facts = [("because", part.because), ("source", part.source), ("excluded by", part.excluded)]
                facts.append(("uses", _uses(part.body, part.after)))
            case Action():
                fairness = "finitely often" if part.finitely else "weakly fair" if part.fair else "not fair"
                yield from _heading(f"action of {part.actor}", part.name, part.doc)
                facts = [("fairness", fairness), ("possible where", _guard(part)), ("changes", ", ".join(part.updates))]
                facts.append(("uses", _uses(*part.guard, *part.updates.values())))
            case Definition():
                yield from _heading("definition", part.name, part.doc)
                facts = [("uses", _uses(part.body, but=part.name))]
            case Variable():
                of = f"for each {self.domain.element}" if part.per_element else "one value"
                yield from _heading(f"variable ({part.group})", part.name, part.doc)
                facts = [("values", f"{of}: {part.sort}"), *_members(part)]
        if len(found) < len(self.designs):
            names = [d.name for d, _ in found]
            facts.append(("only in", ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")))
        yield from _facts([(k, " ".join(v.split())) for k, v in facts if v])
        if not isinstance(part, Variable):
            yield from _source(part)  # type: ignore[arg-type]


def _uses(*roots: Expr | None, but: str = "") -> str:
    """The definitions that occur in these expressions."""
    found = {e.data[0].name for e in walk(*(r for r in roots if r is not None)) if e.op == "call"}
    return ", ".join(sorted(found - {but}))


def _guard(action: Action) -> str:
    """The guard as the tree has it; nothing where it is too long to be read."""
    texts = [render(g) for g in action.guard if _size(g) <= _LONGEST_GUARD]
    return " and ".join(texts) if len(texts) == len(action.guard) else ""


def _size(root: Expr) -> int:
    """How many operators the expression has when it is written out, where shared parts are written each time."""
    sizes: dict[int, int] = {}
    for e in walk(root):
        sizes[e.uid] = 1 + sum(sizes[a.uid] for a in e.args)
    return sizes[root.uid]


def _members(v: Variable) -> list[tuple[str, str]]:
    """The members of an enumeration with what they mean."""
    if not isinstance(v.sort, EnumSort):
        return []
    return [(f"  {m.name}", m.value if isinstance(m.value, str) else "") for m in v.sort.members]


def _heading(kind: str, name: str, doc: str) -> Iterator[RenderableType]:
    from rich.text import Text

    yield Text.assemble((name, "bold"), f"  {kind}")
    if doc:
        yield Text("\n" + doc)


def _facts(facts: list[tuple[str, str]]) -> Iterator[RenderableType]:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    if facts:
        grid = Table.grid(padding=(0, 2))
        for key, value in facts:
            grid.add_row(Text(key, "dim"), value)
        yield Padding(grid, (1, 0, 0, 0))


def _source(part: Property | Action | Definition) -> Iterator[RenderableType]:
    from rich.padding import Padding
    from rich.syntax import Syntax
    from rich.text import Text

    file, line = part.place
    text = source_text(part.place)
    if text:
        yield Padding(Text(f"{_near(file)}:{line}", "dim"), (1, 0, 0, 0))
        yield Syntax(text, "python", theme="ansi_dark", background_color="default")


def _near(file: str) -> str:
    """The file as seen from the current folder, where it is inside."""
    path = Path(file)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else file
