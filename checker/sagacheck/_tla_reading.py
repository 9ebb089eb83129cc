"""What a TLA+ module says, as expressions that are simple enough to be read: for each action, definition and property.

Also which definitions are used where, and which of them have to be told how far a step has got (`Record`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sagacheck._expr import TRUE, Expr, walk
from sagacheck._specification import Action, Definition, Property, Specification
from sagacheck._tla_names import Names, camel
from sagacheck._tla_reduce import Reducer
from sagacheck._tla_share import Weights
from sagacheck._tla_split import Plan, split
from sagacheck._tla_text import Record
from sagacheck._tla_updates import initial_values, reduced_updates

__all__ = ["Reading"]


class Reading:
    """A specification read for a module; see the module's docstring.

    Attributes:
        plans, guards: for each action, by name. bodies: for each definition.
        claims: for each property, by name: its body, and from when on it has to hold.
        initial: the initial value of each variable. rest: where a behaviour may end.
        names: name of an action, a definition or a property -> uid of an expression in it -> what its text calls that.
        record: the variables that some definitions take as they are so far, if any.
    """

    def __init__(self, s: Specification, names: Names) -> None:
        self.specification = s
        self._module_names = names
        self.names: dict[str, dict[int, str]] = {}
        for part in (*s.actions, *s.definitions, *s.properties):
            assert isinstance(part, Action | Definition | Property)
            self.names[part.name] = dict(part.names)
        weights = Weights()
        self.plans: dict[str, Plan] = {}
        self.guards: dict[str, list[Expr]] = {}
        for a in s.actions:
            called = self.names[a.name]
            updates, facts = reduced_updates(a.guard, a.updates, called)
            self.plans[a.name] = split(updates, facts, weights, called)
            guard = map(Reducer(names=called).reduce, a.guard)
            self.guards[a.name] = [g for g in guard if g is not TRUE]
        self.bodies = {d: Reducer(names=self.names[d.name]).reduce(d.body) for d in s.definitions if d.body is not None}
        self.claims: dict[str, tuple[Expr, Expr | None]] = {}
        for p in s.properties:
            reducer = Reducer(names=self.names[p.name])
            self.claims[p.name] = (reducer.reduce(p.body), None if p.after is None else reducer.reduce(p.after))
        self.initial = initial_values(s)
        self.rest = Reducer().reduce(s.rest)
        self.record = self._find_record()

    def roots(self) -> Iterator[Expr]:
        """Everything that is written but definitions."""
        for plan in self.plans.values():
            yield from plan.expressions()
        for guards in self.guards.values():
            yield from guards
        yield from (e for _, e in self.initial)
        for claim in self.claims.values():
            yield from (e for e in claim if e is not None)
        yield self.rest

    def _find_record(self) -> Record | None:
        """The definitions that take variables as they are so far, because some call hands them on."""
        asked = {e.data[0] for e in walk(*self.roots()) if e.op == "call" and e.data[1]}
        asked |= {e.data[0] for body in self.bodies.values() for e in _calls(body) if e.data[1]}
        if not asked:
            return None
        takers = set(asked)
        fields = {name for e in walk(*self.roots()) if e.op == "call" for name, _ in e.data[1]}
        waiting = list(asked)
        while waiting:  # whoever is called by a taker and reads what may differ takes it too
            for e in _calls(self.bodies[waiting.pop()]):
                if e.data[0] not in takers and e.data[0].reads & fields:
                    takers.add(e.data[0])
                    waiting.append(e.data[0])
        reads = {name for d in takers for name in d.reads}
        ordered = [v for v in self.specification.variables if v.name in reads]
        groups = {v.group for v in ordered}
        now = self._module_names.add(camel(groups.pop()) if len(groups) == 1 else "State")
        return Record(now, tuple(v.name for v in ordered), frozenset(takers))

    def used_definitions(self) -> tuple[list[Definition], list[Definition]]:
        """Those that actions and other definitions ask, then those that only properties do; callees first."""
        in_actions = [e for plan in self.plans.values() for e in plan.expressions()]
        in_actions += [g for guards in self.guards.values() for g in guards] + [e for _, e in self.initial]
        first = self._with_callees(in_actions, [])
        return first, self._with_callees(self.roots(), first)

    def _with_callees(self, roots: Iterable[Expr], known: Sequence[Definition]) -> list[Definition]:
        """The definitions that are asked, directly or not, and not known yet; each after those that it asks."""
        result: list[Definition] = []
        seen = set(known)

        def visit(d: Definition) -> None:
            if d in seen:
                return
            seen.add(d)
            for e in _calls(self.bodies[d]):
                visit(e.data[0])
            result.append(d)

        for e in walk(*roots):
            if e.op == "call":
                visit(e.data[0])
        return result

    def keeps_its_other_arguments(self, d: Definition) -> bool:
        """Whether a recursive definition asks itself with its own arguments, but for the first."""
        asked = [e for e in _calls(self.bodies[d]) if e.data[0] is d]
        return all(a is p for e in asked for a, p in zip(e.args[1:], d.params[1:], strict=True))


def _calls(e: Expr) -> list[Expr]:
    return [x for x in walk(e) if x.op == "call"]
