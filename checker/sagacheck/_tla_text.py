"""Expressions as TLA+ text: on one line where they fit, else broken as people break them.

A `Printer` writes for one module. What is used several times, or has a name in the specification's text, becomes a LET
where it can stand; a definition that is asked about variables as they are so far takes them in a record (`Record`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from sagacheck._expr import FALSE, TRUE, Expr, apply, conjunction, disjunction, negation, show_code
from sagacheck._sorts import BOOL, ElementSort, EnumSort, RangeSort
from sagacheck._specification import Definition
from sagacheck._tla_layout import WIDTH
from sagacheck._tla_names import Names, snake
from sagacheck._tla_shapes import (
    changes,
    filled,
    hang,
    implication,
    is_simple,
    name_of,
    opposite_of,
    regrouped,
)
from sagacheck._tla_share import RecordKey, Weights, lets_of, record_key

__all__ = ["Printer", "Record"]

_LONGEST_TRIED = 150  # parts of an expression that might fit on a line
_FEW = 2  # members that a set has at least to be worth its name
_ANY = 10**6  # a width that nothing exceeds
# How tightly operators bind; conjunction and disjunction do not mix without parentheses.
_ATOM, _COMPARE, _NOT, _AND, _OR, _IMPLIES, _OPEN = 9, 6, 5, 4, 3, 1, 0


@dataclass(frozen=True)
class Record:
    """The variables that some definitions take as they are so far.

    Attributes:
        now: the definition that holds them as they are now. fields: which variables. of: the definitions that take it.
    """

    now: str
    fields: tuple[str, ...]
    of: frozenset[Definition]


class Printer:
    """Writes expressions; see the module's docstring."""

    def __init__(self, names: Names, record: Record | None) -> None:
        self.names = names
        self.record = record
        self._bound: dict[int, str] = {}
        self._records: dict[RecordKey, str] = {}
        self._weights = Weights()
        self._memory: str | None = None  # the record in which variables are read, where that is a parameter
        self._itself: dict[Definition, str] = {}  # a recursive definition in its own body -> the function
        self._old: Expr | None = None  # what @ stands for
        self.called: Mapping[int, str] = {}  # what the text that is being written calls expressions, by uid
        self.used_sets: dict[tuple[EnumSort, frozenset[int]], str] = {}

    # Names -----------------------------------------------------------------------------------------------------------

    @contextmanager
    def binding(self, *bounds: Expr) -> Iterator[tuple[str, ...]]:
        """Bound variables by name, while what they are bound in is written."""
        with ExitStack() as stack:
            chosen = tuple(stack.enter_context(self.names.bound(b.data[0])) for b in bounds)
            self._bound.update({b.uid: name for b, name in zip(bounds, chosen, strict=True)})
            yield chosen
            for b in bounds:
                del self._bound[b.uid]

    @contextmanager
    def rebinding(self, bound: Expr) -> Iterator[str]:
        """Another name for a bound variable, in a function within the definition that has bound it."""
        before = self._bound[bound.uid]
        with self.names.bound(before) as name:
            self._bound[bound.uid] = name
            yield name
        self._bound[bound.uid] = before

    @contextmanager
    def reading(self, memory: str | None) -> Iterator[None]:
        """Variables of the record are read in a record of that name."""
        before, self._memory = self._memory, memory
        yield
        self._memory = before

    @contextmanager
    def within(self, definition: Definition, function: str) -> Iterator[None]:
        """Calls of the definition are applications of a function."""
        self._itself[definition] = function
        yield
        del self._itself[definition]

    # One line --------------------------------------------------------------------------------------------------------

    def flat(self, e: Expr, least: int = _OPEN) -> str:
        """The expression on one line, in parentheses where it binds less tightly than `least`."""
        text, binds = self._flat(e)
        return f"({text})" if binds < least else text

    def _flat(self, e: Expr) -> tuple[str, int]:
        if e.uid in self._bound:
            return self._bound[e.uid], _ATOM
        if self._old is not None and e is self._old:
            return "@", _ATOM
        e = regrouped(e)
        match e.op:
            case "const":
                return self._value(e.data, e), _ATOM
            case "var" | "primed":
                return self._variable(e), _ATOM
            case "element":
                return self.names.elements[e.data], _ATOM
            case "apply":
                return f"{self.flat(e.args[0], _ATOM)}[{self.flat(e.args[1])}]", _ATOM
            case "some":
                return self._flat(e.args[0])
            case "predicate":
                return f"{self.flat(e.args[0], _ATOM)} \\in {self.names.predicates[e.data]}", _COMPARE
            case "related":
                return f"{self.flat(e.args[1], _ATOM)} \\in {self.related(e)}", _COMPARE
            case "member":
                codes, inside = e.data
                named = self._set_name(e)
                values = named or f"{{{', '.join(self._value(c, e.args[0]) for c in codes)}}}"
                return f"{self.flat(e.args[0], _ATOM)} \\{'in' if inside else 'notin'} {values}", _COMPARE
            case "first" | "following":
                others = "".join(f", {self.flat(a)}" for a in e.args[1:])
                return f"{e.op.capitalize()}({self.names.in_order[e.data]}[{self.flat(e.args[0])}]{others})", _ATOM
            case "add":
                return self._sum(e)
            case "eq" | "lt" | "not":
                return self._comparison(e)
            case "and":
                return self._joined(" /\\ ", e.args, _AND)
            case "or":
                parts = implication(e)
                if parts is not None:
                    return f"{self.flat(parts[0], _IMPLIES + 1)} => {self.flat(parts[1], _IMPLIES + 1)}", _IMPLIES
                return self._joined(" \\/ ", e.args, _OR)
            case "ite":
                test, then, other = (self.flat(a) for a in e.args)
                return f"IF {test} THEN {then} ELSE {other}", _OPEN
            case "forall" | "exists":
                return self._quantifier(e)
            case "call":
                return self._call(e)
            case "lambda":
                bound, body = e.args
                with self.binding(bound) as (name,):
                    return f"[{name} \\in {self.names.element} |-> {self.flat(body)}]", _ATOM
            case "store":
                base, changed = changes(e)
                clauses = []
                for function, index, value in changed:
                    with self._replaced(function, index):
                        clauses.append(f"![{self.flat(index)}] = {self.flat(value)}")
                return f"[{self.flat(base)} EXCEPT {', '.join(clauses)}]", _ATOM
        raise AssertionError(f"no TLA+ form of {e.op}")

    def _joined(self, sign: str, parts: Sequence[Expr], own: int) -> tuple[str, int]:
        """A conjunction or disjunction; what stands open at its end need not be closed."""
        texts: list[str] = []
        binds = own
        for i, part in enumerate(parts):
            text, inner = self._flat(part)
            if inner == _OPEN and i == len(parts) - 1 and part.op in ("forall", "exists"):
                binds = _OPEN
            elif inner < own or inner in (_AND, _OR):
                text = f"({text})"
            texts.append(text)
        return sign.join(texts), binds

    def _variable(self, e: Expr) -> str:
        if e.op == "primed":
            return f"{e.data}'"
        in_record = self.record is not None and self._memory is not None and e.data in self.record.fields
        return f"{self._memory}.{e.data}" if in_record else str(e.data)

    def _value(self, code: int, of: Expr) -> str:
        sort = of.sort
        if isinstance(sort, EnumSort):
            return f'"{sort.member(code).name}"'
        if isinstance(sort, RangeSort):
            return str(code + sort.low)
        if isinstance(sort, ElementSort):
            return show_code(code, sort)
        return "TRUE" if code else "FALSE"

    def related(self, e: Expr) -> str:
        """The set of the elements that are related to one."""
        return f"{self.names.relations[e.data]}[{self.flat(e.args[0])}]"

    def _sum(self, e: Expr) -> tuple[str, int]:
        step, most = e.data
        total = f"{self.flat(e.args[0], _ATOM)} + {step}"
        if most is None:
            return total, _COMPARE + 1
        assert isinstance(e.sort, RangeSort)
        return f"IF {total} > {e.sort.high} THEN {e.sort.high} ELSE {total}", _OPEN

    def _comparison(self, e: Expr) -> tuple[str, int]:
        inner = e.args[0]
        if e.op == "not" and inner.uid in self._bound:
            return f"~{self._bound[inner.uid]}", _NOT
        if e.op == "not" and (member := regrouped(inner)).op == "member":
            return self._flat(opposite_of(member))
        if e.op == "not" and inner.op in ("and", "or") and all(is_simple(a) for a in inner.args):
            opposite = [negation(a) for a in inner.args]
            return self._flat((disjunction if inner.op == "and" else conjunction)(opposite))
        if e.op == "not" and inner.op not in ("eq", "lt", "related", "predicate", "exists", "forall"):
            return f"~{self.flat(inner, _NOT)}", _NOT
        if inner.op in ("exists", "forall"):
            if is_simple(inner.args[2]):
                return self._quantifier(inner, negated=True)
            return f"~({self.flat(inner)})", _NOT
        holds = e.op != "not"
        c = e if holds else inner
        if c.op in ("related", "predicate"):
            return self._flat(c)[0].replace(" \\in ", " \\notin ", 1), _COMPARE
        a, b = c.args
        if c.op == "lt" and isinstance(a.sort, EnumSort):
            order = ", ".join(f'"{m.name}"' for m in a.sort.members)
            return f"{'' if holds else '~'}Precedes(<<{order}>>, {self.flat(a)}, {self.flat(b)})", _NOT
        if c.op == "lt":
            sign = "<" if holds else ">="
        elif a.sort == BOOL:
            sign = "<=>" if holds else "#"
        else:
            sign = "=" if holds else "#"
        return (
            f"{self.flat(a, _COMPARE + 1)} {sign} {self.flat(b, _COMPARE + 1)}",
            _IMPLIES if sign == "<=>" else _COMPARE,
        )

    def _range(self, within: Expr) -> str:
        return self.names.element if within is TRUE else self.related(within)

    def _quantifier(self, e: Expr, negated: bool = False) -> tuple[str, int]:
        bound, within, body = e.args
        every = (e.op == "forall") != negated
        if body is (FALSE if e.op == "forall" else TRUE):
            return f"{self._range(within)} {'=' if every else '#'} {{}}", _COMPARE
        inside = self._range(within)
        with self.binding(bound) as (name,):
            shown = self.flat(negation(body) if negated else body)
        return f"\\{'A' if every else 'E'} {name} \\in {inside} : {shown}", _OPEN

    def _call(self, e: Expr) -> tuple[str, int]:
        definition = e.data[0]
        args = [self.flat(a) for a in e.args]
        if definition in self._itself:
            return f"{self._itself[definition]}[{args[0]}]", _ATOM
        name = self.names.definitions[definition.name]
        if self.record is not None and definition in self.record.of:
            args.insert(0, self._record(e))
        elif definition.recursive and len(args) == 1:
            return f"{name}[{args[0]}]", _ATOM
        return (f"{name}({', '.join(args)})" if args else name), _ATOM

    def _record(self, e: Expr) -> str:
        """The record that a call hands on: variables as they are so far."""
        assert self.record is not None
        named = self._records.get(record_key(e))
        if named is not None:
            return named
        return "".join(self._record_block(e, _ANY)) if e.data[1] else self._memory or self.record.now

    def _record_block(self, e: Expr, width: int) -> list[str]:
        """That record, written out."""
        assert self.record is not None
        base = self._memory or self.record.now
        head = f"[{base} EXCEPT "
        lines: list[str] = []
        for i, (name, f) in enumerate(e.data[1]):
            row = f"!.{name} = "
            block = self.block(f, width - len(head) - len(row) - 1)
            block[-1] += "]" if i == len(e.data[1]) - 1 else ","
            lines += hang((head if i == 0 else " " * len(head)) + row, block)
        flat = " ".join(line.strip() for line in lines)
        return [flat] if len(flat) <= width else lines

    def _replaced(self, function: Expr, index: Expr) -> ExitStack:
        """While the new value at an element is written, @ is the old one."""
        before, self._old = self._old, apply(function, index)
        stack = ExitStack()
        stack.callback(setattr, self, "_old", before)
        return stack

    # Several lines ---------------------------------------------------------------------------------------------------

    def named(
        self,
        roots: Sequence[Expr],
        width: int,
        body: Callable[[int], list[str]],
        parts: Sequence[Sequence[Expr]] = (),
    ) -> list[str]:
        """The lines that `body` makes for a width, under a LET of what the roots share.

        Args:
            parts: the roots in parts, where what is used in one part other than the first gets its name there.
        """
        takers = self.record.of if self.record else frozenset()
        with ExitStack() as stack:
            lines: list[str] = []
            for let in lets_of(roots, self._bound, self._records, takers, self._weights, self.called, parts):
                wanted = snake(self.record.now) if let.record and self.record else name_of(let.e, self.called)
                name = self.names.free(wanted)
                lead, room = f"    {name} == ", width - 8 - len(name)
                lines += hang(lead, self._record_block(let.e, room) if let.record else self._block(let.e, room))
                stack.enter_context(self.names.bound(name))
                if let.record:
                    self._records[record_key(let.e)] = name
                    stack.callback(self._records.pop, record_key(let.e))
                else:
                    self._bound[let.e.uid] = name
                    stack.callback(self._bound.pop, let.e.uid)
            if not lines:
                return body(width)
            lines[0] = "LET " + lines[0][4:]
            return [*lines, *hang("IN  ", body(width - 4))]

    def lines(self, e: Expr, width: int = WIDTH) -> list[str]:
        """The expression in lines, under a LET of what it shares."""
        return self.named([e], width, lambda room: self._block(e, room))

    def block(self, e: Expr, width: int) -> list[str]:
        """The expression in lines, in a place where no LET is wanted."""
        return self._block(e, width)

    def _block(self, e: Expr, width: int) -> list[str]:
        if e.uid in self._bound or width >= _ANY or self._is_short(e):
            flat = self.flat(e)
            if len(flat) <= max(width, 24):
                return [flat]
        e = regrouped(e)
        if e.op == "not" and e.args[0].uid not in self._bound and (inner := regrouped(e.args[0])).op == "member":
            e = opposite_of(inner)
        if e.op == "member":
            return self._wrapped_members(e, width) if self._set_name(e) is None else [self.flat(e)]
        match e.op:
            case "and":
                return [line for a in e.args for line in hang("/\\ ", self._block(a, width - 3))]
            case "or":
                parts = implication(e)
                if parts is not None and self._is_short(parts[0]) and len(self.flat(parts[0])) <= width - 3:
                    return [f"{self.flat(parts[0], _IMPLIES + 1)} =>", *hang("    ", self._block(parts[1], width - 4))]
                return [line for a in e.args for line in hang("\\/ ", self._block(a, width - 3))]
            case "ite":
                return self._chain(e, width)
            case "forall" | "exists":
                bound, within, body = e.args
                inside = self._range(within)
                with self.binding(bound) as (name,):
                    below = hang("    ", self.lines(body, width - 4))
                return [f"\\{'A' if e.op == 'forall' else 'E'} {name} \\in {inside} :", *below]
            case "not":
                below = hang("~(", self._block(e.args[0], width - 3))
                return [*below[:-1], below[-1] + ")"]
            case "lambda":
                bound, body = e.args
                with self.binding(bound) as (name,):
                    below = hang("    ", self.lines(body, width - 5))
                return [f"[{name} \\in {self.names.element} |->", *below[:-1], below[-1] + "]"]
            case "store":
                return self._changes_block(e, width)
            case "eq" if e.args[0].sort == BOOL:
                first = self._block(e.args[0], width - 4)
                if len(first) == 1:
                    return [f"{self.flat(e.args[0], _COMPARE)} <=>", *hang("    ", self._block(e.args[1], width - 4))]
        return [self.flat(e)]

    def _is_short(self, e: Expr) -> bool:
        """Whether it is worth trying to write e on one line; what has a name counts as that."""
        left = _LONGEST_TRIED
        stack = [e]
        while stack and left > 0:
            x = stack.pop()
            left -= 1
            if x.uid not in self._bound:
                stack.extend(x.args if x.op != "call" else (*x.args, *(f for _, f in x.data[1])))
        return left > 0

    def _chain(self, e: Expr, width: int) -> list[str]:
        """A case distinction, read from the top."""
        lines: list[str] = []
        lead = ""
        while e.op == "ite" and e.uid not in self._bound:
            test, then, other = e.args
            one = self._one_line(lead, test, then, width)
            if one:
                lines.append(one)
            else:
                pad = " " * max(0, len(lead))
                lines += hang(f"{lead}IF ", self._block(test, width - len(lead) - 3))
                lines += hang(f"{pad}THEN ", self._block(then, width - len(lead) - 5))
            e, lead = other, "ELSE "
        return [*lines, *hang("ELSE ", self._block(e, width - 5))]

    def _one_line(self, lead: str, test: Expr, then: Expr, width: int) -> str:
        if not self._is_short(test) or not self._is_short(then):
            return ""
        line = f"{lead}IF {self.flat(test)} THEN {self.flat(then)}"
        return line if len(line) <= width else ""

    def _changes_block(self, e: Expr, width: int) -> list[str]:
        base, changed = changes(e)
        head = f"[{self.flat(base)} EXCEPT "
        lines: list[str] = []
        for i, (function, index, value) in enumerate(changed):
            row = f"![{self.flat(index)}] = "
            with self._replaced(function, index):
                block = self._block(value, width - len(head) - len(row) - 1)
            block[-1] += "]" if i == len(changed) - 1 else ","
            lines += hang((head if i == 0 else " " * len(head)) + row, block)
        return lines

    def _wrapped_members(self, e: Expr, width: int) -> list[str]:
        codes, inside = e.data
        words = [f"{self._value(c, e.args[0])}{'}' if c == codes[-1] else ','}" for c in codes]
        return filled(f"{self.flat(e.args[0], _ATOM)} \\{'in' if inside else 'notin'} {{", words, width)

    def _set_name(self, e: Expr) -> str | None:
        """What the text calls the set that a `member` is about."""
        assert isinstance(e.args[0].sort, EnumSort)
        key = (e.args[0].sort, frozenset(e.data[0]))
        name = self.names.sets.get(key)
        if name is not None and len(e.data[0]) > _FEW:
            self.used_sets[key] = name
            return name
        return None
