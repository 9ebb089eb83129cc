"""A specification as data: variables, initial state, actions, definitions, properties, for one design.

This is what every reader reads. It is made from text by `sagacheck._tracing.build`.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from sagacheck._expr import Expr, FunctionSort
from sagacheck._sorts import EnumSort, Sort

__all__ = ["Action", "Definition", "Kind", "Property", "Specification", "Statement", "Variable"]


@dataclass(frozen=True)
class Variable:
    """A state variable.

    Attributes:
        name: its name in the text.
        sort: of a scalar, or of the value at each element (`per_element`).
        initial: the code that it has before `Specification.initial` is applied.
        group: the part of the state it belongs to ("memory", "durable log", ...), a column of a printed trace.
        doc: its meaning.
    """

    name: str
    sort: Sort
    per_element: bool
    initial: int
    group: str
    doc: str

    @property
    def expression_sort(self) -> Sort | FunctionSort:
        """The sort of the expression that stands for the whole variable."""
        return FunctionSort(self.sort) if self.per_element else self.sort


@dataclass(eq=False)
class Definition:
    """A named definition; `body` is over `params` and the state, and may call the definition on related elements.

    `names`, here and below: what the text calls an expression in it, by uid; nothing depends on it.
    """

    name: str
    doc: str
    params: tuple[Expr, ...]
    result: Sort
    place: tuple[str, int]
    body: Expr | None = None
    reads: frozenset[str] = frozenset()
    recursive: bool = False
    names: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Action:
    """A named step: where all of `guard` holds, all of `updates` happen at once.

    Attributes:
        actor: who takes the step.
        params: bound elements that the step is for, at most two; the second ranges over `over` of the first.
        guard: the conjuncts of its guard, over the state before the step.
        updates: variable -> its value (for a function of elements, the whole function) in terms of the state before.
        fair: whether it is weakly fair: when it stays possible, it is taken.
        finitely: whether it is taken finitely often in every behaviour (a crash, say), so that no lasso contains it.
        doc: one sentence for a line of a trace, with `{n}` for the element; the rest explains.
    """

    name: str
    actor: str
    doc: str
    params: tuple[Expr, ...]
    over: str | None
    guard: tuple[Expr, ...]
    updates: Mapping[str, Expr]
    fair: bool
    finitely: bool
    place: tuple[str, int]
    names: Mapping[int, str] = field(default_factory=dict)


class Kind(enum.Enum):
    """What a property claims: of every reachable state, of some reachable state, of every fair behaviour."""

    ALWAYS = "always"
    SOMETIMES = "sometimes"
    EVENTUALLY = "eventually"


@dataclass(frozen=True)
class Property:
    """A named property.

    Attributes:
        params: none, or one bound element: an ALWAYS holds for every element, a SOMETIMES for some element.
        body: the state predicate.
        after: of an EVENTUALLY, the state predicate from which on `body` must eventually hold.
        doc: what it claims. because: why it matters. source: where it comes from.
        wrong: what is wrong when it is violated, in words; `{n}` is the element, `{x}` the value of variable x there.
        excluded: why the chosen design or environment makes it meaningless, or "".
        needs: predicates of the structure of which each must be true somewhere; elsewhere the structure excludes it.
    """

    name: str
    kind: Kind
    params: tuple[Expr, ...]
    body: Expr
    doc: str
    because: str
    source: str
    wrong: str
    place: tuple[str, int]
    after: Expr | None = None
    excluded: str = ""
    needs: tuple[str, ...] = ()
    names: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Statement:
    """A named statement of the inductive argument: an axiom, a part of the invariant, or a lemma.

    Attributes:
        params: none, or one bound element; it is stated for every element.
        doc: what it states. because: an axiom's justification, "" elsewhere.
        induction: of a lemma, the relation along which it is proved by induction; None where it follows at once.
    """

    name: str
    params: tuple[Expr, ...]
    body: Expr
    doc: str
    place: tuple[str, int]
    because: str = ""
    induction: str | None = None


@dataclass(frozen=True)
class Specification:
    """A whole specification, for one choice of design and environment.

    Attributes:
        initial: variable -> its initial value in terms of the variables' own initial values.
        recursion: the relation along which definitions recurse, if any; well-founded on every structure.
        rest: where a behaviour may legally end; elsewhere, a state in which nothing fair can happen is a deadlock.
        groups: the parts of the state in the order in which traces show them.
        sets: sets of values (codes) of an enumeration that the text has a name for; nothing depends on the names.
        axioms: what the inductive argument assumes of every structure; they read no variable.
        invariant: the parts of the inductive invariant. lemmas: what follows from it, each using those before it.
    """

    name: str
    doc: str
    element: str
    variables: tuple[Variable, ...]
    initial: Mapping[str, Expr]
    actions: tuple[Action, ...]
    definitions: tuple[Definition, ...]
    properties: tuple[Property, ...]
    rest: Expr
    recursion: str | None = None
    groups: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    sets: Mapping[tuple[EnumSort, frozenset[int]], str] = field(default_factory=dict)
    axioms: tuple[Statement, ...] = ()
    invariant: tuple[Statement, ...] = ()
    lemmas: tuple[Statement, ...] = ()

    def variable(self, name: str) -> Variable:
        """The variable of that name. Raises KeyError when there is none."""
        for v in self.variables:
            if v.name == name:
                return v
        raise KeyError(name)
