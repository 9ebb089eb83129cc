"""Names for TLA+: one for everything that a specification names, none of them used twice or taken by TLA+ itself.

Variables keep their names, enumerations and properties too. What the specification writes in lower case and TLA+ in
capitals (actions, definitions, what the structure supplies) becomes CamelCase. TLA+ lets no name be bound again where
it is known already, so a bound variable whose name is taken gets a number.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sagacheck._errors import InputError
from sagacheck._expr import Expr, walk
from sagacheck._narration import groups_of
from sagacheck._sorts import BoolSort, EnumSort, RangeSort, Sort
from sagacheck._specification import Specification
from sagacheck._structure import Structure

__all__ = ["Names", "camel", "element_texts", "every_expression"]

_RESERVED = """
    ASSUME ASSUMPTION AXIOM CASE CHOOSE CONSTANT CONSTANTS DOMAIN ELSE ENABLED EXCEPT EXTENDS IF IN INSTANCE LAMBDA LET
    LOCAL MODULE OTHER RECURSIVE SF_ SUBSET THEN THEOREM UNCHANGED UNION VARIABLE VARIABLES WF_ WITH STRING BOOLEAN TRUE
    FALSE PROOF QED BY OBVIOUS OMITTED LEMMA PROPOSITION COROLLARY STATE ACTION TEMPORAL HAVE TAKE PICK WITNESS SUFFICES
    NEW DEF DEFS HIDE USE PROVE DEFINE ONLY Nat Int Real Seq Len Head Tail Append SubSeq SelectSeq Infinity TLCGet
    TLCSet Print PrintT Assert JavaTime Permutations SortSeq RandomElement Any ToString TLCEval
"""  # words of TLA+ and names of its standard modules
# What every module defines itself.
_OWN = ("Init", "Next", "Spec", "Fairness", "TypeOK", "NoDeadlock", "None", "vars", "First", "Following", "Precedes",
        "Range", "FinitelyOften", "FairStep")  # fmt: skip
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./#-]*")


def camel(text: str) -> str:
    """The text as one CamelCase word: `take_success` is TakeSuccess, and capitals stay."""
    words = re.findall(r"[A-Za-z0-9]+", text)
    return "".join(w[0].upper() + w[1:] for w in words) or "X"


def snake(text: str) -> str:
    """The text as one lower-case word with underscores."""
    return "_".join(re.findall(r"[a-z0-9]+", text.lower())) or "x"


def every_expression(s: Specification) -> Iterator[Expr]:
    """Every subexpression of the actions, definitions and properties, and of what calls carry in them."""
    yield from walk(
        *(e for a in s.actions for e in (*a.guard, *a.updates.values())),
        *(d.body for d in s.definitions if d.body is not None),
        *(e for p in s.properties for e in (p.body, p.after) if e is not None),
        *s.initial.values(),
        s.rest,
    )


def element_texts(structure: Structure, element: str) -> tuple[str, ...]:
    """For each element the text that stands for it in TLA+: its label, or a number where TLC would misread that."""
    plain = [label if _PLAIN.fullmatch(label) else f"{snake(element)}#{i}" for i, label in enumerate(structure.labels)]
    if len(set(plain)) < len(plain):
        return tuple(f"{snake(element)}#{i}" for i in range(len(plain)))
    return tuple(plain)


class Names:
    """The names of one specification.

    Attributes:
        module: of the module. element: of the set of elements.
        relations, predicates, elements: name in the structure -> constant, for those that the specification asks for.
        ordered: the relations whose order matters.
        enums: enumeration -> set. actions, definitions, properties: name -> definition.
        sets: sets of values that the text has named. groups: group -> the tuple of its variables.
        halves: group -> (tuple, variables) of its functions of elements, then of its scalars, if it has both.
        actors: actor -> the disjunction of its actions.
    """

    def __init__(self, s: Specification) -> None:
        if any(v.name == "vars" for v in s.variables):
            raise InputError("the variable `vars` has the name that a module gives to all of them; rename it")
        self._taken = {*_RESERVED.split(), *_OWN, *(v.name for v in s.variables)}
        self.module = self._new(camel(s.name), "Module")
        self.element = self._new(camel(s.element), "Set")
        found: dict[str, dict[str, None]] = {"related": {}, "predicate": {}, "element": {}}
        enums: dict[type[enum.Enum], None] = {v.sort.members: None for v in s.variables if isinstance(v.sort, EnumSort)}
        self.ordered: set[str] = set()
        for e in every_expression(s):
            if e.op in ("first", "following"):
                self.ordered.add(e.data)
            if e.op in ("related", "first", "following"):
                found["related"][e.data] = None
            elif e.op in found:
                found[e.op][e.data] = None
            if isinstance(e.sort, EnumSort):
                enums.setdefault(e.sort.members)
        for a in s.actions:
            if a.over is not None:
                found["related"].setdefault(a.over)
        self.properties = self._all((p.name for p in s.properties), "Property")
        self.relations = self._all(sorted(found["related"]), "Of")
        self.in_order = {r: self._new(f"{self.relations[r]}InOrder", "Of") for r in sorted(self.ordered)}
        self.predicates = self._all(sorted(found["predicate"]), "Set")
        self.elements = self._all(sorted(found["element"]), camel(s.element))
        self.enums = {m: self._new(camel(m.__name__), "Value") for m in enums}
        self.definitions = self._all((d.name for d in s.definitions), "Is")
        self.actions = self._all((a.name for a in s.actions), "Step")
        self.sets = {key: self._new(camel(name.lower()), "Set") for key, name in s.sets.items()}
        self.actors = {a: self._new(f"{camel(a)}Steps", "") for a in dict.fromkeys(a.actor for a in s.actions)}
        members = {g: [v.name for v in s.variables if v.group == g] for g in groups_of(s)}
        self.groups = {g: self._new(f"{snake(g)}_vars", "") for g, names in members.items() if len(names) > 1}
        self.halves: dict[str, list[tuple[str, list[str]]]] = {}
        for g in self.groups:
            each = [v.name for v in s.variables if v.group == g and v.per_element]
            single = [v.name for v in s.variables if v.group == g and not v.per_element]
            if len(each) > 1 and len(single) > 1:
                halves = ((f"{snake(g)}_of_{snake(s.element)}s", each), (f"{snake(g)}_scalars", single))
                self.halves[g] = [(self._new(name, ""), half) for name, half in halves]

    def _all(self, names: Iterator[str] | list[str], kind: str) -> dict[str, str]:
        return {name: self._new(camel(name), kind) for name in names}

    def _new(self, wanted: str, kind: str) -> str:
        name = wanted if wanted not in self._taken else wanted + kind
        name = _numbered(name, self._taken)
        self._taken.add(name)
        return name

    def add(self, wanted: str) -> str:
        """One more name of the module."""
        return self._new(wanted, "")

    @contextmanager
    def bound(self, wanted: str) -> Iterator[str]:
        """A name for what is bound in a part of the text only."""
        name = self.free(wanted)
        self._taken.add(name)
        yield name
        self._taken.discard(name)

    def free(self, wanted: str) -> str:
        """A name like the wanted one that is not taken here."""
        return _numbered(wanted if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", wanted) else "x", self._taken)

    def set_of(self, sort: Sort) -> str:
        """The set of the values of a sort."""
        if isinstance(sort, BoolSort):
            return "BOOLEAN"
        if isinstance(sort, EnumSort):
            return self.enums[sort.members]
        if isinstance(sort, RangeSort):
            return f"{sort.low}..{sort.high}"
        return f"{self.element} \\cup {{None}}" if sort.optional else self.element


def _numbered(name: str, taken: set[str] | Mapping[str, object]) -> str:
    if name not in taken:
        return name
    return next(f"{name}{i}" for i in range(2, len(taken) + 3) if f"{name}{i}" not in taken)
