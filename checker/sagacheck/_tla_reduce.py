"""Expressions made simpler before they are written as TLA+: what is known is left out, writes are read through.

The text of a specification is sequential, so an update may read what was written above it, under conditions that an
update further on repeats. A `Reducer` rebuilds an expression so that it says the same with less:

- where a condition is known (from the guard, or from the `if` around), it is replaced by its truth value;
- a comparison of a case distinction becomes a case distinction of comparisons, and mostly vanishes;
- nested case distinctions become a chain that is read from the top: first match, first served;
- what was written so far and is what the variable will be in the end is read as the new value (`primed`).

The last is an operator of this reader alone: `primed`, data: variable name, is the new value of that variable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sagacheck._expr import (
    FALSE,
    TRUE,
    Expr,
    FunctionSort,
    apply,
    conjunction,
    disjunction,
    equal,
    fresh_bound,
    ite,
    less,
    make,
    negation,
    store,
    walk,
)
from sagacheck._sorts import BOOL, Sort
from sagacheck._tla_facts import NOTHING, Facts

__all__ = ["COMPOUND", "Reducer", "chained", "keep_name", "primed", "substitute"]

COMPOUND = frozenset(("not", "and", "or", "eq", "lt", "ite", "forall", "exists", "call", "lambda", "store", "add"))


_MOST_PARTS = 6  # of a conjunction whose parts are read in the light of all others
_ANY_ELEMENT = fresh_bound("n")


def primed(name: str, sort: Sort | FunctionSort) -> Expr:
    """The new value of a variable."""
    return make("primed", (), name, sort)


def substitute(root: Expr, values: Mapping[int, Expr], names: dict[int, str] | None = None) -> Expr:
    """The expression with bound variables (by uid) replaced; what has a name (by uid) keeps it."""
    done: dict[int, Expr] = dict(values)
    for e in walk(root):
        if e.uid not in done:
            done[e.uid] = _rebuilt(e, [done[a.uid] for a in e.args], done)
            if names is not None:
                keep_name(names, e, done[e.uid])
    return done[root.uid]


def _rebuilt(e: Expr, args: Sequence[Expr], done: Mapping[int, Expr]) -> Expr:
    so_far = tuple((n, done[f.uid]) for n, f in e.data[1]) if e.op == "call" else ()
    same = all(a is b for a, b in zip(args, e.args, strict=True))
    if same and (e.op != "call" or all(f is g for (_, f), (_, g) in zip(so_far, e.data[1], strict=True))):
        return e
    match e.op:
        case "not":
            new = negation(args[0])
        case "and":
            new = conjunction(args)
        case "or":
            new = disjunction(args)
        case "eq":
            new = equal(*args)
        case "lt":
            new = less(*args)
        case "ite":
            new = ite(*args)
        case "apply":
            new = apply(*args)
        case "store":
            new = store(*args)
        case "call":
            new = make("call", tuple(args), (e.data[0], so_far), e.sort)
        case _:
            new = make(e.op, tuple(args), e.data, e.sort)
    return new


def keep_name(names: dict[int, str], old: Expr, new: Expr) -> None:
    """What has become of an expression keeps its name, as long as it is of the same shape."""
    if old.uid in names and new.uid not in names and new.op == old.op and len(new.args) == len(old.args):
        names[new.uid] = names[old.uid]


class Reducer:
    """Rebuilds expressions; see the module's docstring.

    Args:
        finals: uid of what a variable will be in the end -> its new value.
        values: variable -> what it is read as, for an initial state: a value (of a function of elements, everywhere).
        contextual: what a condition says is known where it is known to hold; not to be asked for before nested case
            distinctions are chains, because there are too many contexts.
        names: uid -> what the text calls an expression; what becomes of it is added.
    """

    def __init__(
        self,
        finals: Mapping[int, Expr] | None = None,
        values: Mapping[str, Expr] | None = None,
        contextual: bool = True,
        names: dict[int, str] | None = None,
    ) -> None:
        self._finals = finals or {}
        self._values = values or {}
        self._contextual = contextual
        self.names = {} if names is None else names
        self._memo: dict[tuple[int, int], Expr] = {}

    def _assume(self, facts: Facts, e: Expr, truth: bool) -> Facts:
        return facts.assume(e, truth) if self._contextual else facts

    def reduce(self, e: Expr, facts: Facts = NOTHING) -> Expr:
        """The expression, simpler."""
        key = (facts.uid, e.uid)
        found = self._memo.get(key)
        if found is None:
            final = self._finals.get(e.uid)
            found = self._memo[key] = final if final is not None else self._named(e, self._reduced(e, facts))
        return found

    def root(self, e: Expr, name: str, facts: Facts) -> Expr:
        """The new value of the variable of that name: as `reduce`, but it is not said to be itself."""
        final = self._finals.get(e.uid)
        if final is None or final.data != name:
            return self.reduce(e, facts)
        return self._named(e, self._reduced(e, facts))

    def _named(self, old: Expr, new: Expr) -> Expr:
        keep_name(self.names, old, new)
        return new

    def _reduced(self, e: Expr, facts: Facts) -> Expr:
        if isinstance(e.sort, FunctionSort):
            return self._function(e, facts)
        if e.sort == BOOL:
            known = facts.truth(e)
            if known is not None:
                return TRUE if known else FALSE
        match e.op:
            case "const" | "bound" | "element" | "primed":
                return e
            case "var":
                return self._values.get(e.data, e)
            case "apply":
                return self._applied(e.args[0], self.reduce(e.args[1], facts), facts)
            case "and" | "or":
                return self._junction(e, facts)
            case "ite":
                return self._choice(e, facts)
            case "eq":
                return self._equal(self.reduce(e.args[0], facts), self.reduce(e.args[1], facts), facts)
            case "forall" | "exists":
                return self._quantified(e, facts)
            case "call":
                return self._called(e, facts)
            case "add":
                inner = self.reduce(e.args[0], facts)
                step, most = e.data
                fits = most is None or facts.below(inner, most - step + 1)
                return make("add", (inner,), (step, None if fits else most), e.sort)
        args = [self.reduce(a, facts) for a in e.args]
        if e.op == "not":
            return self._settled(negation(args[0]), facts)
        return self._settled(_rebuilt(e, args, {}), facts)

    @staticmethod
    def _settled(e: Expr, facts: Facts) -> Expr:
        known = facts.truth(e) if e.sort == BOOL else None
        return e if known is None else TRUE if known else FALSE

    def _junction(self, e: Expr, facts: Facts) -> Expr:
        every = e.op == "and"
        parts: list[Expr] = []
        here = facts
        for a in e.args:
            part = self.reduce(a, here)
            if part is (FALSE if every else TRUE):
                return part
            parts.append(part)
            here = self._assume(here, part, every)
        if self._contextual and 1 < len(parts) <= _MOST_PARTS:
            for i in reversed(range(len(parts) - 1)):  # what comes later may say something of what comes before
                if not _may_be_less(parts[i]):
                    continue
                here = facts
                for other in (*parts[:i], *parts[i + 1 :]):
                    here = self._assume(here, other, every)
                parts[i] = self.reduce(parts[i], here)
        return self._settled((conjunction if every else disjunction)(parts), facts)

    def _choice(self, e: Expr, facts: Facts) -> Expr:
        test = self.reduce(e.args[0], facts)
        if test.op == "const":
            return self.reduce(e.args[1 if test is TRUE else 2], facts)
        then = self.reduce(e.args[1], self._assume(facts, test, True))
        other = self.reduce(e.args[2], self._assume(facts, test, False))
        if _says_the_same(test, then, other):
            return other
        return self._settled(chained(test, then, other), facts)

    def _equal(self, a: Expr, b: Expr, facts: Facts) -> Expr:
        if a.op in ("const", "element") and b.op != "element":
            a, b = b, a
        if b.op == "const" and a.op == "ite":
            test, then, other = a.args
            left, right = (
                self._equal(then, b, self._assume(facts, test, True)),
                self._equal(other, b, self._assume(facts, test, False)),
            )
            return self._settled(ite(test, left, right), facts)
        return self._settled(equal(a, b), facts)

    def _quantified(self, e: Expr, facts: Facts) -> Expr:
        bound, within, body = e.args
        if within is not TRUE:
            within = make("related", (self.reduce(within.args[0], facts), bound), within.data, BOOL)
        body = self.reduce(body, facts)
        every = e.op == "forall"
        if body is (TRUE if every else FALSE):
            return body
        same = _usual(bound, body, within)
        renamed = {bound.uid: same}
        return make(e.op, (same, substitute(within, renamed), substitute(body, renamed, self.names)), None, BOOL)

    def _called(self, e: Expr, facts: Facts) -> Expr:
        definition, so_far = e.data
        if definition.body is TRUE or definition.body is FALSE:
            return definition.body
        args = tuple(self.reduce(a, facts) for a in e.args)
        kept = [(name, self.reduce(f, facts)) for name, f in so_far]
        if self._values:
            given = dict(kept)
            kept = [(name, given.get(name, self._values[name])) for name in sorted(definition.reads)]
            if not definition.recursive:
                inside = substitute(definition.body, {p.uid: a for p, a in zip(definition.params, args, strict=True)})
                return Reducer(values=dict(kept)).reduce(inside)
        said = tuple((name, f) for name, f in kept if not (f.op == "var" and f.data == name))
        return make("call", args, (definition, said), e.sort)

    # Functions of elements ------------------------------------------------------------------------------------------

    def _applied(self, function: Expr, index: Expr, facts: Facts) -> Expr:
        """The value of a function at an element, read through what was written."""
        final = self._finals.get(function.uid)
        if final is not None:
            return apply(final, index)
        match function.op:
            case "var":
                value = self._values.get(function.data)
                if value is None:
                    return self._settled(apply(function, index), facts)
                return value if not isinstance(value.sort, FunctionSort) else self._applied(value, index, NOTHING)
            case "lambda":
                bound, body = function.args
                return self.reduce(substitute(body, {bound.uid: index}, self.names), facts)
            case "store":
                inner, at, value = function.args
                where = self.reduce(at, facts)
                same = self._equal(where, index, facts)
                if same.op == "const":
                    return self.reduce(value, facts) if same is TRUE else self._applied(inner, index, facts)
                then = self.reduce(value, self._assume(facts, same, True))
                return chained(same, then, self._applied(inner, index, self._assume(facts, same, False)))
        return apply(function, index)

    def _function(self, e: Expr, facts: Facts) -> Expr:
        """A function of elements, as a variable with changes at elements or as a value for each element."""
        match e.op:
            case "store":
                final = self._finals.get(e.args[0].uid)
                inner = final if final is not None else self._function(e.args[0], facts)
                index = self.reduce(e.args[1], facts)
                value = self.reduce(e.args[2], facts)
                if value is self._applied(e.args[0], index, facts):
                    return inner
                if inner.op == "lambda":
                    bound, body = inner.args
                    test = equal(bound, index)
                    old = self.reduce(body, self._assume(facts, test, False))
                    if _says_the_same(test, value, old):
                        return _eta(bound, old, e.sort, self.names)
                    return _eta(bound, chained(test, value, old), e.sort, self.names)
                return store(inner, index, value)
            case "lambda":
                bound, body = e.args
                return _eta(bound, self.reduce(body, facts), e.sort, self.names)
            case "var" if e.data in self._values:
                value = self._values[e.data]
                if isinstance(value.sort, FunctionSort):
                    return value
                return make("lambda", (_ANY_ELEMENT, value), None, e.sort)
        return e


def _eta(bound: Expr, body: Expr, sort: Sort | FunctionSort, names: dict[int, str]) -> Expr:
    if body.op == "apply" and body.args[1] is bound and body.args[0].op in ("var", "primed"):
        return body.args[0]
    same = _usual(bound, body)
    return make("lambda", (same, substitute(body, {bound.uid: same}, names)), None, sort)


_USUAL: dict[tuple[str, int], Expr] = {}


def _usual(bound: Expr, *bodies: Expr) -> Expr:
    """The variable that is bound in every expression of the same shape, so that equal ones are one object.

    It is told apart from those that are bound further in by how deep these are nested.
    """
    depth: dict[int, int] = {}
    for e in walk(*bodies):
        inner = max((depth[a.uid] for a in e.args), default=0)
        if e.op == "call":
            inner = max([inner, *(depth[f.uid] for _, f in e.data[1])])
        depth[e.uid] = inner + (e.op in ("forall", "exists", "lambda"))
    height = max(depth[b.uid] for b in bodies)
    key = (bound.data[0], height)
    if key not in _USUAL:
        _USUAL[key] = fresh_bound(bound.data[0])
    return _USUAL[key]


def chained(test: Expr, then: Expr, other: Expr) -> Expr:
    """`ite`, as a chain whose conditions need not repeat that those above them do not hold."""
    if then.sort == BOOL:
        if then.op == "or" and any(a is other for a in then.args):
            return disjunction((conjunction((test, disjunction(a for a in then.args if a is not other))), other))
        return ite(test, then, other)
    stays = other.op in ("ite", "var", "apply")  # the value that is told last
    if (_is_chain(then) and other.op != "ite") or (test.op == "not" and not stays):
        test, then, other = negation(test), other, then
    if other.op == "ite":
        first, value, rest = other.args
        if value is then:
            return chained(disjunction((test, first)), then, rest)
        mine, before = _conjuncts(test), _conjuncts(first)
        left = [c for c in mine.values() if not _said_by(c, mine, before)]
        if left and len(left) < len(mine):
            return chained(first, value, chained(conjunction(left), then, rest))
    return ite(test, then, other)


def _is_chain(e: Expr) -> bool:
    return e.op == "ite" and "ite" in (e.args[1].op, e.args[2].op)


def _says_the_same(test: Expr, then: Expr, other: Expr) -> bool:
    """Whether the first case is what the other says of the element that the test is about."""
    x = test.args[0] if test.op == "eq" else None
    return x is not None and x.op == "bound" and substitute(other, {x.uid: test.args[1]}) is then


def _may_be_less(e: Expr) -> bool:
    """Whether a condition has parts, of which it might do without some."""
    inner = e.args[0] if e.op == "not" else e
    return inner.op in ("and", "or", "ite", "forall", "exists")


def _conjuncts(e: Expr) -> dict[int, Expr]:
    return {c.uid: c for c in (e.args if e.op == "and" else (e,))}


def _said_by(c: Expr, mine: Mapping[int, Expr], before: Mapping[int, Expr]) -> bool:
    """Whether c says of the conjunction `before` that it does not hold, given what else is `mine`."""
    denied = _conjuncts(negation(c))
    return denied.keys() <= before.keys() and before.keys() - denied.keys() <= mine.keys()
