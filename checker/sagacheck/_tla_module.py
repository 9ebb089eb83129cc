"""A specification as a TLA+ module, in the order in which TLA+ is read.

Header, constants and what is assumed of them, the values of the variables, the variables by owner, helpers, the initial
state, the actions by actor, the next-state relation, fairness, the specification, what must hold.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sagacheck._check import DEADLOCK
from sagacheck._expr import Expr, walk
from sagacheck._narration import filled as filled_in
from sagacheck._narration import groups_of
from sagacheck._sorts import EnumSort, RangeSort
from sagacheck._specification import Action, Definition, Kind, Property, Specification, Variable
from sagacheck._tla_layout import RULE, WIDTH, boxed, comment, commented, enumerated, indented, listed, section, titled
from sagacheck._tla_names import Names, every_expression, snake
from sagacheck._tla_reading import Reading
from sagacheck._tla_shapes import filled, hang
from sagacheck._tla_split import Plan
from sagacheck._tla_text import Printer

__all__ = ["Module"]

_HELPERS = {
    "first": ["First(list) == IF list = << >> THEN None ELSE Head(list)"],
    "following": [
        "Following(list, e) ==",
        "    LET places == {i \\in DOMAIN list : i > 1 /\\ list[i - 1] = e}",
        "    IN  IF places = {} THEN None ELSE list[CHOOSE i \\in places : TRUE]",
    ],
}
_HELPER_DOCS = {
    "first": "The first of a list, or None.",
    "following": "What comes next to e in a list, or None.",
}
_KINDS = {
    Kind.ALWAYS: ("What must always hold", ""),
    Kind.SOMETIMES: (
        "What must be reached",
        "State predicates, each of which holds in some reachable state: a model in which nothing happens satisfies "
        "everything above. TLC finds the way to such a state when it is told that there is none.",
    ),
    Kind.EVENTUALLY: ("What must happen", ""),
}


@dataclass
class Module:
    """The module of a specification.

    Attributes:
        specification: what is written.
        header: paragraphs about it for the top of the module; indented lines stay as they are.
        terms: name that the structure supplies -> its meaning.
    """

    specification: Specification
    header: Sequence[str] = ()
    terms: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        s = self.specification
        self.names = Names(s)
        self.read = Reading(s, self.names)
        self.printer = Printer(self.names, self.read.record)

    # The text --------------------------------------------------------------------------------------------------------

    def text(self) -> str:
        """The whole module."""
        name = self.names.module
        lines = [titled(name), *self._header(), ""]
        lines += self._extends()
        helpers, of_properties = self.read.used_definitions()
        parts = [
            self._constants(),
            [],
            self._variables(),
            self._helpers(helpers),
            self._init(),
            *self._actions(),
            self._next(),
            *self._properties(of_properties),
        ]
        parts[1] = self._values()  # now that it is known which sets of values are used
        for part in parts:
            lines += part
        return "\n".join([*lines, "", "=" * RULE, ""])

    def _header(self) -> list[str]:
        return boxed(self.header) if self.header else []

    def _extends(self) -> list[str]:
        s = self.specification
        numbers = any(isinstance(v.sort, RangeSort) for v in s.variables) or bool(self.names.ordered)
        ordered = any(e.op == "lt" and isinstance(e.args[0].sort, EnumSort) for e in every_expression(s))
        modules = ["Naturals"] * (numbers or ordered) + ["Sequences"] * bool(self.names.ordered)
        return [f"EXTENDS {', '.join(modules)}", ""] if modules else []

    def _constants(self) -> list[str]:
        names, element = self.names, self.specification.element
        rows = [(names.element, self.terms.get(element, f"the set of all {element}s"))]
        assumed: list[str] = []
        for relation, name in names.relations.items():
            said = self.terms.get(relation, f"for each {element}, the set of its {relation}")
            if relation in names.ordered:
                rows.append((names.in_order[relation], f"{said}, in an order that matters"))
                assumed.append(f"{names.in_order[relation]} \\in [{names.element} -> Seq({names.element})]")
            else:
                rows.append((name, said))
                assumed.append(f"{name} \\in [{names.element} -> SUBSET {names.element}]")
        for predicate, name in names.predicates.items():
            rows.append((name, self.terms.get(predicate, f"the {element}s of which `{predicate}` is true")))
            assumed.append(f"{name} \\subseteq {names.element}")
        for known, name in names.elements.items():
            rows.append((name, self.terms.get(known, f"the {element} called {known}")))
            assumed.append(f"{name} \\in {names.element}")
        if self.has_none:
            rows.append(("None", f"stands where there is no {element}"))
            assumed.append(f"None \\notin {names.element}")
        lines = ["CONSTANTS", *commented(rows)]
        if assumed:
            lines += ["", "ASSUME", *(f"    /\\ {a}" for a in assumed)]
        for relation in names.in_order:
            ordered = names.in_order[relation]
            lines += ["", "\\* The same as sets, where the order does not matter."]
            with names.bound(snake(element)[0]) as x, names.bound("i") as i:
                members = f"{{{ordered}[{x}][{i}] : {i} \\in DOMAIN {ordered}[{x}]}}"
                lines.append(f"{names.relations[relation]} == [{x} \\in {names.element} |-> {members}]")
        return lines

    @property
    def has_none(self) -> bool:
        """Whether "no element" occurs."""
        s = self.specification
        optional = any(str(v.sort) == "element or None" for v in s.variables)
        return optional or any(str(e.sort) == "element or None" for e in every_expression(s))

    def _values(self) -> list[str]:
        lines: list[str] = []
        for kind, name in self.names.enums.items():
            doc = (kind.__doc__ or "").strip().splitlines()
            plain = not doc or doc[0].startswith("An enumeration")
            lines += ["", *([] if plain else comment(doc[0])), f"{name} == {{"]
            members: list[enum.Enum] = [*kind]
            rows = [
                (f'"{m.name}"{"," if i < len(members) - 1 else ""}', m.value if isinstance(m.value, str) else "")
                for i, m in enumerate(members)
            ]
            lines += commented(rows, separator="")
            lines.append("}")
            for (sort, codes), known in self.printer.used_sets.items():
                if sort.members is kind:
                    values = [f'"{m.name}"' for i, m in enumerate(members) if i in codes]
                    lines += ["", *filled(f"{known} == {{", listed(values, "}"), WIDTH)]
        return [*section("Values"), *lines[1:]] if lines else []

    def _variables(self) -> list[str]:
        s, names = self.specification, self.names
        lines = [*section("Variables"), "VARIABLES"]
        last = s.variables[-1] if s.variables else None
        ordered = [v for g in groups_of(s) for v in s.variables if v.group == g]
        last = ordered[-1] if ordered else None
        wide = max((len(v.name) for v in ordered), default=0) + 1
        for group in groups_of(s):
            members = [v for v in ordered if v.group == group]
            if members:
                lines += [f"    \\* {group[:1].upper()}{group[1:]}"]
                rows = [(v.name + ("" if v is last else ","), v.doc) for v in members]
                lines += commented([(f"{name:<{wide}}", doc) for name, doc in rows], separator="")
        if self.read.record is not None:
            pass
        lines.append("")
        for group, tuple_name in names.groups.items():
            halves = names.halves.get(group, [])
            for half, members_of in halves:
                lines += filled(f"{half} == <<", listed(members_of, ">>"), WIDTH)
            whole = [half for half, _ in halves] or [v.name for v in ordered if v.group == group]
            lines += filled(f"{tuple_name} == <<", listed(whole, ">>"), WIDTH)
        parts = [names.groups.get(g) or next(v.name for v in ordered if v.group == g) for g in groups_of(s)
                 if any(v.group == g for v in ordered)]  # fmt: skip
        lines += ["", *filled("vars == <<", listed(parts, ">>"), WIDTH), "", "TypeOK =="]
        lines += [f"    /\\ {v.name} \\in {self._type(v)}" for v in ordered]
        return lines

    def _type(self, v: Variable) -> str:
        of = self.names.set_of(v.sort)
        return f"[{self.names.element} -> {of}]" if v.per_element else of

    def _helpers(self, definitions: Sequence[Definition]) -> list[str]:
        lines: list[str] = []
        used = {e.op for e in walk(*self.read.roots()) if e.op in _HELPERS}
        for op in [op for op in _HELPERS if op in used]:
            lines += ["", *comment(_HELPER_DOCS[op]), *_HELPERS[op]]
        if any(e.op == "lt" and isinstance(e.args[0].sort, EnumSort) for e in walk(*self.read.roots())):
            lines += [
                "", *comment("Whether a comes before b in a list."),
                "Precedes(list, a, b) == \\E i, j \\in DOMAIN list : i < j /\\ list[i] = a /\\ list[j] = b",
            ]  # fmt: skip
        if self.read.record is not None:
            said = "What is read as it is so far in a step, while the step writes it: here as it is in a state."
            lines += ["", *comment(said)]
            head = f"{self.read.record.now} == ["
            fields = [f"{name} |-> {name}{',' if i < len(self.read.record.fields) - 1 else ']'}"
                      for i, name in enumerate(self.read.record.fields)]  # fmt: skip
            lines += filled(head, fields, WIDTH)
        for d in definitions:
            lines += ["", *comment(d.doc), *self.definition(d)]
        return [*section("Helpers"), *lines[1:]] if lines else []

    def definition(self, d: Definition) -> list[str]:
        """The text of a definition."""
        name = self.names.definitions[d.name]
        body = self.read.bodies[d]
        takes = self.read.record is not None and d in self.read.record.of
        printer = self.printer
        printer.called = self.read.names[d.name]
        with printer.binding(*d.params) as params:
            if not takes and d.recursive and len(params) == 1:
                head = f"{name}[{params[0]} \\in {self.names.element}] =="
                with printer.within(d, name):
                    return [head, *indented(printer.lines(body, WIDTH - 4))]
            wanted = snake(self.read.record.now) if self.read.record else ""
            with self.names.bound(wanted) as memory, printer.reading(memory if takes else None):
                given = [memory, *params] if takes else list(params)
                head = f"{name}({', '.join(given)}) ==" if given else f"{name} =="
                if not d.recursive:
                    return self._one_line_or_more(head, printer.lines(body, WIDTH - 4))
                if not self.read.keeps_its_other_arguments(d):
                    places = ", ".join("_" for _ in given)
                    return [f"RECURSIVE {name}({places})", head, *indented(printer.lines(body, WIDTH - 4))]
                return [head, *indented(self._recursive(d, body, params))]

    def _recursive(self, d: Definition, body: Expr, params: Sequence[str]) -> list[str]:
        """A definition with further parameters: a recursive function of elements inside."""
        printer = self.printer
        with self.names.bound(snake(d.name)) as function:
            inner = [d.params[0]]
            with printer.rebinding(inner[0]) as x:
                lead = f"LET {function}[{x} \\in {self.names.element}] =="
                with printer.within(d, function):
                    lines = [lead, *indented(printer.lines(body, WIDTH - 12), 8)]
            return [*lines, f"IN  {function}[{params[0]}]"]

    def _one_line_or_more(self, head: str, lines: list[str]) -> list[str]:
        one = f"{head} {lines[0]}"
        return [one] if len(lines) == 1 and len(one) <= WIDTH - 20 else [head, *indented(lines)]

    def _init(self) -> list[str]:
        lines = [*section("The initial state"), "Init =="]
        order = [v.name for g in groups_of(self.specification) for v in self.specification.variables if v.group == g]
        for name, e in sorted(self.read.initial, key=lambda pair: order.index(pair[0])):
            lines += hang(f"    /\\ {name} = ", self.printer.lines(e, WIDTH - 10 - len(name)))
        return lines

    # Actions ---------------------------------------------------------------------------------------------------------

    def _actions(self) -> Iterator[list[str]]:
        for actor in self.names.actors:
            lines = section(f"Actions: {actor}")
            for i, a in enumerate(a for a in self.specification.actions if a.actor == actor):
                lines += [""] * bool(i) + self.action(a)
            yield lines

    def action(self, a: Action) -> list[str]:
        """The text of an action, under what it means."""
        printer = self.printer
        printer.called = self.read.names[a.name]
        with printer.binding(*a.params) as params:
            name = self.names.actions[a.name]
            head = f"{name}({', '.join(params)}) ==" if params else f"{name} =="
            values = {p.data[0]: n for p, n in zip(a.params, params, strict=True)}
            lines = [*comment(filled_in(a.doc, values)), head]
            room = WIDTH - 7
            for g in self.read.guards[a.name]:
                lines += hang("    /\\ ", printer.lines(g, room))
            plan = self.read.plans[a.name]
            shown = self._plan(plan, WIDTH - 4)
            if shown and shown[0].startswith("LET "):
                lines += hang("    /\\ ", shown)
            else:
                lines += indented(shown)
            return [*lines, *indented(self._unchanged(plan.variables()))]

    def _plan(self, plan: Plan, width: int) -> list[str]:
        """Updates as a conjunction, in cases where there are some, under a LET of what they share."""

        def body(room: int) -> list[str]:
            rows: list[str] = []
            for v, e in plan.first:
                rows += hang(f"/\\ {v}' = ", self.printer.block(e, room - 7 - len(v)))
            if plan.test is not None and plan.then is not None and plan.other is not None:
                case = hang("IF ", self.printer.block(plan.test, room - 6))
                case += hang("THEN ", self._case(plan.then, plan.changed, room - 8))
                case += hang("ELSE ", self._case(plan.other, plan.changed, room - 8))
                rows += hang("/\\ ", case)
            for v, e in plan.last:
                rows += hang(f"/\\ {v}' = ", self.printer.block(e, room - 7 - len(v)))
            return rows

        parts = [[e for _, e in (*plan.first, *plan.last)] + ([plan.test] if plan.test is not None else [])]
        parts += [list(p.expressions()) for p in (plan.then, plan.other) if p is not None]
        return self.printer.named([e for part in parts for e in part], width, body, parts)

    def _case(self, plan: Plan, changed: Sequence[str], width: int) -> list[str]:
        """One case: its updates, and which of the variables that the other case changes stay as they are."""
        lines = self._plan(plan, width)
        left = [v for v in changed if v not in plan.variables()]
        if lines and lines[0].startswith("LET ") and left:
            lines = hang("/\\ ", lines)
        return lines + (filled("/\\ UNCHANGED <<", listed(left, ">>"), width) if len(left) > 1 else
                        [f"/\\ UNCHANGED {v}" for v in left])  # fmt: skip

    def _unchanged(self, changed: set[str]) -> list[str]:
        parts: list[str] = []
        for group in groups_of(self.specification):
            members = [v.name for v in self.specification.variables if v.group == group]
            left = [m for m in members if m not in changed]
            if left and left == members:
                parts.append(self.names.groups.get(group, left[0]))
                continue
            for half, names in self.names.halves.get(group, []):
                if not changed & set(names):
                    parts.append(half)
                    left = [m for m in left if m not in names]
            parts += left
        if not parts:
            return []
        if len(parts) == 1:
            return [f"/\\ UNCHANGED {parts[0]}"]
        return filled("/\\ UNCHANGED <<", listed(parts, ">>"), WIDTH - 4)

    # Next, fairness, properties --------------------------------------------------------------------------------------

    def steps(self, actions: Sequence[Action], each: str = "{}", sign: str = "\\/") -> list[str]:
        """The disjunction (or conjunction) of actions, each for all its elements, in lines."""
        quantifier = "\\E" if sign == "\\/" else "\\A"
        lines: list[str] = []
        alike: list[tuple[str | None, list[Action]]] = []
        for a in actions:
            shape = None if not a.params else a.params[0].data[0] + ("" if a.over is None else f" {a.over}")
            if alike and alike[-1][0] == shape:
                alike[-1][1].append(a)
            else:
                alike.append((shape, [a]))
        for shape, members in alike:
            if shape is None:
                lines += [f"{sign} {each.format(self.names.actions[a.name])}" for a in members]
                continue
            with self.printer.binding(*members[0].params) as params:
                where = f"{quantifier} {params[0]} \\in {self.names.element} : "
                if len(params) == 2:
                    where += (
                        f"{quantifier} {params[1]} \\in {self.names.relations[str(members[0].over)]}[{params[0]}] : "
                    )
                calls = [each.format(f"{self.names.actions[a.name]}({', '.join(params)})") for a in members]
            if len(calls) == 1:
                lines.append(f"{sign} {where}{calls[0]}")
            else:
                lines += [f"{sign} {where.rstrip()}", *(f"      {sign} {c}" for c in calls)]
        if len(alike) == 1 and (len(lines) == 1 or alike[0][0] is not None):
            return [lines[0].removeprefix(f"{sign} "), *(line[3:] for line in lines[1:])]
        return lines

    def _next(self) -> list[str]:
        s, names = self.specification, self.names
        lines = section("The next-state relation")
        parts: list[str] = []
        for actor, name in names.actors.items():
            actions = [a for a in s.actions if a.actor == actor]
            if len(actions) == 1:
                parts += [self.steps(actions)[0]]
                continue
            lines += [f"{name} ==", *indented(self.steps(actions)), ""]
            parts.append(name)
        lines += ["Next ==", *indented([f"\\/ {p}" for p in parts])]
        return [*lines, *self._fairness()]

    def _fairness(self) -> list[str]:
        s = self.specification
        fair = [a for a in s.actions if a.fair]
        rare = [a for a in s.actions if a.finitely]
        lines = section("Fairness")
        conjuncts = ["Init", "[][Next]_vars"]
        if fair:
            said = "Weak fairness of each step for itself: one that stays possible from some time on is taken."
            others = [self.names.actions[a.name] for a in s.actions if not a.fair]
            said += f" This is assumed of every action but {enumerated(others)}." if others else ""
            lines += [*comment(said), "Fairness ==", *indented(self.steps(fair, "WF_vars({})", "/\\")), ""]
            conjuncts.append("Fairness")
        if rare:
            names = enumerated(self.names.actions[a.name] for a in rare)
            said = f"What is promised is promised where, from some time on, there is no step of {names} any more."
            each = "<>[][~{}]_vars"
            lines += [*comment(said), "FinitelyOften ==", *indented(self.steps(rare, each, "/\\")), ""]
            conjuncts.append("FinitelyOften")
        return [*lines, "Spec == " + " /\\ ".join(conjuncts)]

    def _properties(self, helpers: Sequence[Definition]) -> Iterator[list[str]]:
        if helpers:
            lines = section("Helpers of the properties")
            for i, d in enumerate(helpers):
                lines += [""] * bool(i) + [*comment(d.doc), *self.definition(d)]
            yield lines
        for kind, (title, about) in _KINDS.items():
            found = [p for p in self.specification.properties if p.kind is kind]
            lines = section(title, about)
            for i, p in enumerate(found):
                lines += [""] * bool(i) + self.property(p)
            if kind is Kind.ALWAYS:
                lines += [""] * bool(found) + self._no_deadlock()
            if found or kind is Kind.ALWAYS:
                yield lines

    def property(self, p: Property) -> list[str]:
        """The text of a property, under what it claims and why."""
        said = [p.doc, *([] if self._alike(p.kind) else [f"Because {p.because} ({p.source})."])]
        if p.excluded:
            said.append(f"Not claimed here: {p.excluded}.")
        name = self.names.properties[p.name]
        body, after = self.read.claims[p.name]
        self.printer.called = self.read.names[p.name]
        with self.printer.binding(*p.params) as params:
            lines = self.printer.lines(body, WIDTH - 4 - 4 * bool(params))
        if params:
            quantifier = "\\A" if p.kind is Kind.ALWAYS else "\\E"
            lines = [f"{quantifier} {params[0]} \\in {self.names.element} :", *indented(lines)]
            if len(lines) == 2 and len(lines[0]) + len(lines[1]) < WIDTH - 8:
                lines = [f"{lines[0]} {lines[1].strip()}"]
        if p.kind is Kind.EVENTUALLY:
            goal = self.printer.flat(body, 9)
            start = "" if after is None else self.printer.flat(after, 9)
            lines = [f"{start} ~> {goal}" if start else f"<>{goal}"]
        return [*(line for part in said for line in comment(part)), *self._one_line_or_more(f"{name} ==", lines)]

    def _alike(self, kind: Kind) -> bool:
        """Whether all properties of a kind have the same reason, which then says nothing of any of them."""
        reasons = [(p.because, p.source) for p in self.specification.properties if p.kind is kind]
        return len(reasons) > 1 and len(set(reasons)) == 1

    def _no_deadlock(self) -> list[str]:
        s = self.specification
        fair = [a for a in s.actions if a.fair] or list(s.actions)
        rest = self.printer.flat(self.read.rest, 4)
        said = [
            DEADLOCK.doc,
            "Because a design that can come to a halt half-way violates nothing that a single state shows.",
        ]
        lines = ["FairStep ==", *indented(self.steps(fair)), "", *(x for part in said for x in comment(part))]
        claim = "ENABLED FairStep" if rest == "FALSE" else f"{rest} \\/ ENABLED FairStep"
        return [*lines, f"{DEADLOCK.name} == {claim}"]
