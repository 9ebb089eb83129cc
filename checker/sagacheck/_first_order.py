"""A specification as first-order formulas of z3: elements are an uninterpreted sort, quantifiers stay quantifiers.

What is said here is said of every structure at once. A definition is unfolded where it is called; one that recurses
becomes a function of its own, in each state in which it is asked for, with its defining equation as an assumption. On
a structure along which the recursion ends, that equation has exactly one solution, so nothing else is assumed.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import z3

from sagacheck._expr import Expr, FunctionSort, const, fresh_bound, make, walk
from sagacheck._sorts import BoolSort, ElementSort, EnumSort, RangeSort, Sort
from sagacheck._specification import Action, Definition, Specification, Statement

__all__ = ["FirstOrder", "Moment", "refuse_interrupt"]

Binding = Mapping[int, Any]  # uid of a bound variable -> the term that it stands for


@dataclass(frozen=True, eq=False)
class Moment:
    """A state in terms of another: variable -> its value there, and the binding and the moment in which to read that.

    The state before a step is None. A variable that is not named is what it is in the state before.
    """

    values: Mapping[str, tuple[Expr, Binding, Moment | None]]
    uid: int


class FirstOrder:
    """The terms and formulas of one specification.

    Attributes:
        equations: the defining equations of the recursive definitions that were met so far.
    """

    def __init__(self, specification: Specification) -> None:
        self.specification = specification
        self.context = z3.Context()
        self.element = z3.DeclareSort(specification.element.capitalize(), self.context)
        optional = z3.Datatype(f"Optional{self.element}", self.context)
        optional.declare("none")
        optional.declare("some", ("the", self.element))
        self.optional = optional.create()
        self.equations: list[Any] = []
        self._enums: dict[Any, tuple[Any, list[Any]]] = {}
        self._symbols: dict[tuple[str, str], Any] = {}
        self._memo: dict[tuple[object, ...], Any] = {}
        self._free: dict[int, tuple[int, ...]] = {}
        self._moments: dict[tuple[object, ...], Moment] = {}
        self._numbers = itertools.count(1)
        self._kept: list[Any] = []  # a term that a key of the memo names by its id has to live as long as the memo
        self._recursive: dict[tuple[Definition, int], Any] = {}

    # Sorts and symbols -----------------------------------------------------------------------------------------------

    def sort(self, sort: Sort) -> Any:
        """The z3 sort."""
        match sort:
            case BoolSort():
                return z3.BoolSort(self.context)
            case RangeSort():
                return z3.IntSort(self.context)
            case ElementSort():
                return self.optional if sort.optional else self.element
            case EnumSort():
                return self._enum(sort)[0]

    def _enum(self, sort: EnumSort) -> tuple[Any, list[Any]]:
        found = self._enums.get(sort.members)
        if found is None:
            name = f"{sort.members.__name__} {len(self._enums)}"
            names = [f"{name} {m.name}" for m in sort.members]
            found = self._enums[sort.members] = z3.EnumSort(name, names, self.context)
        return found

    def _symbol(self, kind: str, name: str, *sorts: Any) -> Any:
        """The uninterpreted function or constant of that name; the last sort is that of its value.

        A variable and a predicate may have one name: what z3 is told is the kind too, since equal names are one thing.
        """
        key = (kind, name)
        if key not in self._symbols:
            said = f"{kind} {name}"
            self._symbols[key] = z3.Function(said, *sorts) if len(sorts) > 1 else z3.Const(said, sorts[0])
        return self._symbols[key]

    def related(self, relation: str, anchor: Any, other: Any) -> Any:
        """The other element is among the related ones of the anchor."""
        return self._symbol("relation", relation, self.element, self.element, z3.BoolSort(self.context))(anchor, other)

    def value(self, code: int, sort: Sort) -> Any:
        """The value with that code."""
        match sort:
            case BoolSort():
                return z3.BoolVal(bool(code), self.context)
            case RangeSort():
                return z3.IntVal(code, self.context)
            case ElementSort():
                return self.optional.none
            case EnumSort():
                return self._enum(sort)[1][code]

    def fresh(self, name: str, sort: Sort) -> Any:
        """A new constant."""
        made = z3.Const(f"{name}!{next(self._numbers)}", self.sort(sort))
        self._kept.append(made)
        return made

    def ranges(self) -> list[Any]:
        """What the sorts of the variables say that z3's sorts do not: the bounds of integers."""
        said = []
        for v in self.specification.variables:
            if isinstance(v.sort, RangeSort):
                x = fresh_bound("x")
                reading = make("var", (), v.name, v.expression_sort)
                if v.per_element:
                    reading = make("apply", (reading, x), None, v.sort)
                    term = self.fresh("x", x.sort)  # type: ignore[arg-type]
                    at = self.term(reading, {x.uid: term})
                    said.append(z3.ForAll([term], z3.And(at >= 0, at <= v.sort.high - v.sort.low)))
                else:
                    at = self.term(reading, {})
                    said.append(z3.And(at >= 0, at <= v.sort.high - v.sort.low))
        return said

    # States ----------------------------------------------------------------------------------------------------------

    def after(self, action: Action, binding: Binding) -> Moment:
        """The state after a step."""
        return self._moment({name: (e, binding, None) for name, e in action.updates.items()})

    def start(self) -> Moment:
        """The initial state."""
        s = self.specification
        plain = self._moment({v.name: (_initial(v.initial, v.expression_sort), {}, None) for v in s.variables})
        return self._moment({**plain.values, **{name: (e, {}, plain) for name, e in s.initial.items()}})

    def _moment(self, values: Mapping[str, tuple[Expr, Binding, Moment | None]]) -> Moment:
        """One moment for equal values, so that what is read in it is made once."""
        key = tuple(
            (name, e.uid, self._bound_in(e, binding), moment.uid if moment else 0)
            for name, (e, binding, moment) in sorted(values.items())
        )
        if key not in self._moments:
            self._moments[key] = Moment(values, next(self._numbers))
        return self._moments[key]

    # Formulas --------------------------------------------------------------------------------------------------------

    def holds(self, statement: Statement) -> Any:
        """The statement, of every element, in the state before."""
        terms = {p.uid: self.fresh(p.data[0], p.sort) for p in statement.params}  # type: ignore[arg-type]
        body = self.term(statement.body, terms)
        return z3.ForAll(list(terms.values()), body) if terms else body

    def term(self, e: Expr, binding: Binding, moment: Moment | None = None) -> Any:
        """The term of an expression in a state."""
        key = (e.uid, self._bound_in(e, binding), moment.uid if moment else 0)
        found = self._memo.get(key)
        if found is None:
            found = self._memo[key] = self._made(e, binding, moment)
        return found

    def _bound_in(self, e: Expr, binding: Binding) -> tuple[int, ...]:
        if e.uid not in self._free:
            self._free[e.uid] = tuple(sorted({x.uid for x in walk(e) if x.op == "bound"}))
        return tuple(binding[u].get_id() if u in binding else -1 for u in self._free[e.uid])

    def _made(self, e: Expr, binding: Binding, moment: Moment | None) -> Any:
        match e.op:
            case "const":
                return self.value(e.data, e.sort)  # type: ignore[arg-type]
            case "bound":
                return binding[e.uid]
            case "element":
                return self._symbol("element", e.data, self.element)
            case "var":
                if moment and e.data in moment.values:
                    return self.term(*moment.values[e.data])
                return self._symbol("variable", e.data, self.sort(e.sort))  # type: ignore[arg-type]
            case "apply":
                return self._at(e.args[0], self.term(e.args[1], binding, moment), binding, moment)
            case "forall" | "exists":
                bound, within, body = e.args
                x = self.fresh(bound.data[0], bound.sort)  # type: ignore[arg-type]
                inside = {**binding, bound.uid: x}
                where, claim = self.term(within, inside, moment), self.term(body, inside, moment)
                if e.op == "forall":
                    return z3.ForAll([x], z3.Implies(where, claim))
                return z3.Exists([x], z3.And(where, claim))
            case "call":
                return self._called(e, binding, moment)
        return self._plain(e, [self.term(a, binding, moment) for a in e.args])

    def _plain(self, e: Expr, args: list[Any]) -> Any:
        boolean, optional = z3.BoolSort(self.context), self.optional
        match e.op:
            case "predicate":
                return self._symbol("predicate", e.data, self.element, boolean)(*args)
            case "related":
                return self.related(e.data, *args)
            case "first" | "following":
                symbol = self._symbol(e.op, e.data, *[self.element] * len(args), optional)
                return symbol(*args)
            case "some":
                return optional.some(args[0])
            case "not":
                return z3.Not(args[0])
            case "and":
                return z3.And(*args)
            case "or":
                return z3.Or(*args)
            case "eq":
                return args[0] == args[1]
            case "lt":
                a, b = (self._code(t, x.sort) for t, x in zip(args, e.args, strict=True))  # type: ignore[arg-type]
                return a < b
            case "ite":
                return z3.If(*args)
            case "add":
                step, most = e.data
                return z3.If(args[0] + step < most, args[0] + step, z3.IntVal(most, self.context))
        raise AssertionError(f"no first-order form of {e.op}")

    def _code(self, term: Any, sort: Sort) -> Any:
        if not isinstance(sort, EnumSort):
            return term
        code = z3.IntVal(0, self.context)
        for number, member in enumerate(self._enum(sort)[1]):
            code = z3.If(term == member, z3.IntVal(number, self.context), code)
        return code

    def _at(self, function: Expr, at: Any, binding: Binding, moment: Moment | None) -> Any:
        """The value of a function of elements at an element."""
        key = ("at", function.uid, at.get_id(), self._bound_in(function, binding), moment.uid if moment else 0)
        if key not in self._memo:
            self._memo[key] = self._found_at(function, at, binding, moment)
        return self._memo[key]

    def _found_at(self, function: Expr, at: Any, binding: Binding, moment: Moment | None) -> Any:
        match function.op:
            case "var":
                if moment and function.data in moment.values:
                    e, inside, earlier = moment.values[function.data]
                    return self._at(e, at, inside, earlier)
                assert isinstance(function.sort, FunctionSort)
                return self._symbol("variable", function.data, self.element, self.sort(function.sort.result))(at)
            case "lambda":
                bound, body = function.args
                return self.term(body, {**binding, bound.uid: at}, moment)
            case "store":
                inner, index, new = function.args
                where = self.term(index, binding, moment)
                changed = self.term(new, binding, moment)
                if where.eq(at):
                    return changed
                return z3.If(where == at, changed, self._at(inner, at, binding, moment))
        raise AssertionError(f"no function {function.op}")

    def _called(self, e: Expr, binding: Binding, moment: Moment | None) -> Any:
        definition, so_far = e.data
        values = dict(moment.values) if moment else {}
        values.update({name: (function, binding, moment) for name, function in so_far})
        read = {name: value for name, value in values.items() if name in definition.reads}
        inside = self._moment(read) if read else None
        args = [self.term(a, binding, moment) for a in e.args]
        if not definition.recursive:
            return self.term(definition.body, dict(zip((p.uid for p in definition.params), args, strict=True)), inside)
        return self._function(definition, inside)(*args)

    def _function(self, definition: Definition, moment: Moment | None) -> Any:
        key = (definition, moment.uid if moment else 0)
        if key not in self._recursive:
            sorts = [self.sort(p.sort) for p in definition.params]  # type: ignore[arg-type]
            name = f"definition {definition.name} {len(self._recursive)}"
            function = self._recursive[key] = z3.Function(name, *sorts, self.sort(definition.result))
            terms = [self.fresh(p.data[0], p.sort) for p in definition.params]  # type: ignore[arg-type]
            assert definition.body is not None
            binding = dict(zip((p.uid for p in definition.params), terms, strict=True))
            body = self.term(definition.body, binding, moment)
            left = function(*terms)
            self.equations.append(z3.ForAll(terms, left == body, patterns=[left]))
        return self._recursive[key]


def _initial(code: int, sort: Sort | FunctionSort) -> Expr:
    if isinstance(sort, FunctionSort):
        return make("lambda", (fresh_bound("n"), const(code, sort.result)), None, sort)
    return const(code, sort)


def refuse_interrupt(solver: Any) -> None:
    """Raise KeyboardInterrupt where z3 has taken Ctrl-C for itself, and says that it does not know."""
    if "interrupted" in solver.reason_unknown():
        raise KeyboardInterrupt
