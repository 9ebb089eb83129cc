"""docs/specification.md: the variables, actions and properties, as the specification itself has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

from generator.block import Block, table
from sagacheck import DEADLOCK, Action, Design, Kind, Property, Specification, Variable
from sagaspec import domain
from sagaspec._state import Load, Panic, Stage

__all__ = ["BLOCKS"]


@cache
def _specifications() -> Mapping[str, Specification]:
    """Designs that between them have every variable and every action, the named ones first."""
    late = domain.design("steno-0.4.1", {"completion": "durable-first", "lock-across-io": "no"})
    learn = domain.design("steno-0.4.1", {"start": "durable-first", "lock-across-io": "no"})
    all_designs: list[Design] = [*domain.designs, *domain.deviations(), late, learn]
    found = {d.name: domain.specify(d.settings, {}) for d in all_designs}
    found["crashes=N"] = domain.specify(domain.designs[0].settings, {"crashes": "1"})
    return found


def _where(having: Iterable[str]) -> str:
    """In which designs something is: everywhere, in these named ones, or for example there."""
    there = list(having)
    if len(there) == len(_specifications()):
        return "every design"
    named = [d.name for d in domain.designs if d.name in there]
    first = next((t for t in there if t not in named), "")
    return ", ".join(f"`{n}`" for n in named) or f"for example `{first}`"


def variables() -> str:
    """The state variables, by group."""
    where: dict[str, list[str]] = {}
    known: dict[str, Variable] = {}
    for design, specification in _specifications().items():
        for v in specification.variables:
            known.setdefault(v.name, v)
            where.setdefault(v.name, []).append(design)
    groups = dict.fromkeys([*domain.specify(domain.designs[0].settings, {}).groups, *(v.group for v in known.values())])
    text = []
    for group in groups:
        rows = [
            (f"`{v.name}`", "each node" if v.per_element else "the saga", v.doc, _where(where[v.name]))
            for v in known.values()
            if v.group == group
        ]
        text.append(f"**{group}**\n\n{table(('variable', 'of', 'meaning', 'in'), rows)}")
    return "\n\n".join(text)


def values() -> str:
    """What the values of the larger enumerations mean."""
    text = []
    for title, members in (("load status", Load), ("stage of a worker", Stage), ("panic", Panic)):
        text.append(f"**{title}**\n\n" + table(("value", "meaning"), ((f"`{m.name}`", m.value) for m in members)))
    return "\n\n".join(text)


def actions() -> str:
    """The actions, by actor, in the order of the specification."""
    where: dict[str, list[str]] = {}
    known: dict[str, Action] = {}
    for design, specification in _specifications().items():
        for a in specification.actions:
            known.setdefault(a.name, a)
            where.setdefault(a.name, []).append(design)
    text = []
    for actor in dict.fromkeys(a.actor for a in known.values()):
        rows = [
            (f"`{a.name}`", ", ".join(p.data[0] for p in a.params), a.doc, _taken(a), _where(where[a.name]))
            for a in known.values()
            if a.actor == actor
        ]
        text.append(f"**{actor}**\n\n{table(('action', 'for', 'what happens', 'fairness', 'in'), rows)}")
    return "\n\n".join(text)


def _taken(action: Action) -> str:
    return "finitely often" if action.finitely else "weakly fair" if action.fair else "may never be taken"


def properties() -> str:
    """The properties, by kind."""
    text = []
    specification = _specifications()["conforming"]
    for kind in Kind:
        of_kind = [p for p in (*specification.properties, DEADLOCK) if p.kind is kind]
        titles = ("property", "statement", "reason", "source")
        text.append(f"**{kind.value}**\n\n" + table(titles, (_told(p) for p in of_kind)))
    return "\n\n".join(text)


def _told(p: Property) -> tuple[str, ...]:
    each = f" (for each node `{p.params[0].data[0]}`)" if p.params and p.kind is Kind.ALWAYS else ""
    some = f" (for some node `{p.params[0].data[0]}`)" if p.params and p.kind is Kind.SOMETIMES else ""
    needs = f" Needs a saga where, somewhere, {' and '.join(n.replace('_', ' ') for n in p.needs)}." if p.needs else ""
    return f"`{p.name}`", f"{p.doc}{each}{some}{needs}", p.because, p.source


BLOCKS = (
    Block("variables", variables),
    Block("values", values),
    Block("actions", actions),
    Block("properties", properties),
)
