"""From text to data: runs the functions of a specification once over symbolic values and keeps what they said.

A `Tracer` is the state so far of one action, property or definition: the expression that each variable stands for, the
conditions under which the text is being read (path), the loops around it, the guard. `StateView` is the `s` of the
text, and `lift` makes expressions of its values. Mistakes are reported where the text makes them (`mistake`).
"""

from __future__ import annotations

import contextlib
import difflib
import enum
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, NoReturn

from sagacheck._errors import SpecificationError
from sagacheck._expr import (
    TRUE,
    Expr,
    apply,
    conjunction,
    const,
    ite,
    make,
    render,
    store,
)
from sagacheck._place import here
from sagacheck._sorts import BOOL, ELEMENT, OPTIONAL_ELEMENT, EnumSort, RangeSort, Sort
from sagacheck._specification import Definition, Variable

__all__ = [
    "Elements",
    "FunctionView",
    "StateView",
    "Tracer",
    "boolean",
    "current",
    "lift",
    "mistake",
    "require",
    "symbolic",
]

_CURRENT: ContextVar[Tracer | None] = ContextVar("tracer", default=None)


def mistake(problem: str) -> NoReturn:
    """Report a mistake at the place where the text makes it.

    Raises:
        SpecificationError: always.
    """
    raise SpecificationError(problem, *here())


def current() -> Tracer:
    """The tracer at work."""
    tracer = _CURRENT.get()
    if tracer is None:
        mistake("this is text of a specification; it runs only while a specification is built")
    return tracer


class Tracer:
    """Reads one function of the text; see the module's docstring.

    Args:
        variables: name -> variable.
        parameters: name -> build-time value (a design, an environment).
        writes: whether this text may change the state and require.
        definitions: finds or traces a definition (`sagacheck._language`).
    """

    def __init__(
        self,
        variables: dict[str, Variable],
        parameters: dict[str, Any],
        writes: bool,
        definitions: Callable[[Any], Definition],
    ) -> None:
        self.variables = variables
        self.parameters = parameters
        self.writes = writes
        self.definitions = definitions
        self.state = {v.name: make("var", (), v.name, v.expression_sort) for v in variables.values()}
        self.untouched = dict(self.state)
        self.path: list[Expr] = []
        self.loops: list[tuple[Expr, Expr]] = []
        self.guard: list[Expr] = []
        self.reads: set[str] = set()
        self.calls: set[Definition] = set()
        self.left: set[int] = set()  # the bound variables of loops that the text has left
        self.names: dict[int, str] = {}  # what the text calls an expression, by uid
        self.sets: dict[tuple[EnumSort, frozenset[int]], str] = {}  # the sets of values that the text has named
        self.branches: dict[int, bool] = {}  # each `if` around the text -> which of its branches this is
        self._unread: dict[tuple[str, int], list[tuple[dict[int, bool], int]]] = {}

    @contextlib.contextmanager
    def active(self) -> Iterator[Tracer]:
        """Make this the tracer at work."""
        token = _CURRENT.set(self)
        try:
            yield self
        finally:
            _CURRENT.reset(token)

    def condition(self) -> Expr:
        """The condition under which the text is being read."""
        return conjunction(self.path)

    def updates(self) -> dict[str, Expr]:
        """Variable -> its new value, for each variable that changes."""
        return {n: e for n, e in self.state.items() if e is not self.untouched[n]}

    def note_read(self, name: str) -> None:
        """The text has read this place: writing it again is no longer a mistake."""
        self.reads.add(name)
        for key in [k for k in self._unread if k[0] == name]:
            del self._unread[key]

    def _note_write(self, name: str, element: Expr | None) -> None:
        if not self.writes:
            mistake(f"`{name}` is written in a definition or property, which may only read")
        key = (name, -1 if element is None else element.uid)
        writes = self._unread.setdefault(key, [])
        for branches, line in writes:
            if all(self.branches.get(choice, side) == side for choice, side in branches.items()):
                where = name if element is None else f"{name}[{render(element)}]"
                mistake(f"`{where}` is written twice; the first write, in line {line}, is never read")
        writes.append((dict(self.branches), here()[1]))

    def write(self, name: str, value: Any) -> None:
        """`s.name = value` for a scalar."""
        variable = self.variables[name]
        if variable.per_element:
            mistake(f"`{name}` is a function: write `s.{name}[n] = ...`")
        if self.loops:
            mistake(f"the scalar `{name}` is written in a loop, for all elements at once; use any(...) or all(...)")
        new = lift(value, variable.sort, f"`{name}`")
        self._note_write(name, None)
        self.state[name] = ite(self.condition(), new, self.state[name])

    def write_at(self, name: str, element: Expr, value: Any) -> None:
        """`s.name[element] = value`."""
        if self.loops and (len(self.loops) > 1 or element is not self.loops[-1][0]):
            mistake(f"in a loop, `{name}` is written at the loop's own element only, and not in a loop within a loop")
        new = lift(value, self.variables[name].sort, f"`{name}[...]`")
        self._note_write(name, element)
        so_far = self.state[name]
        self.state[name] = store(so_far, element, ite(self.condition(), new, apply(so_far, element)))


class FunctionView:
    """`s.name` of a function of elements: read with `[n]`, written with `[n] =`."""

    def __init__(self, tracer: Tracer, name: str) -> None:
        self._tracer = tracer
        self._name = name

    def __getitem__(self, element: Any) -> Expr:
        index = lift(element, ELEMENT, f"the index of `{self._name}`")
        tracer = self._tracer
        if tracer.loops and tracer.state[self._name] is not self.at_loop_start() and index is not tracer.loops[-1][0]:
            mistake(
                f"`{self._name}` has been written in this loop, which runs for all elements at once; read it before"
            )
        tracer.note_read(self._name)
        return apply(tracer.state[self._name], index)

    def at_loop_start(self) -> Expr:
        """The function as it was before the innermost loop."""
        so_far = self._tracer.state[self._name]
        while so_far.op == "store" and self._tracer.loops and so_far.args[1] is self._tracer.loops[-1][0]:
            so_far = so_far.args[0]
        return so_far

    def __setitem__(self, element: Any, value: Any) -> None:
        self._tracer.write_at(self._name, lift(element, ELEMENT, f"the index of `{self._name}`"), value)

    def __bool__(self) -> bool:
        mistake(f"`{self._name}` is a function of elements and has no truth value; write `s.{self._name}[n]`")

    def __eq__(self, other: object) -> bool:
        mistake(f"`{self._name}` is a function of elements and is not compared; write `s.{self._name}[n]`")

    __hash__ = None  # type: ignore[assignment]


class StateView:
    """`s` in the text: variables as they are so far, and the build-time parameters."""

    def __init__(self, tracer: Tracer) -> None:
        object.__setattr__(self, "_tracer", tracer)

    def __getattr__(self, name: str) -> Any:
        tracer: Tracer = object.__getattribute__(self, "_tracer")
        if name in tracer.parameters:
            return tracer.parameters[name]
        self._known(tracer, name)
        if tracer.variables[name].per_element:
            return FunctionView(tracer, name)
        tracer.note_read(name)
        return tracer.state[name]

    def __setattr__(self, name: str, value: Any) -> None:
        tracer: Tracer = object.__getattribute__(self, "_tracer")
        self._known(tracer, name)
        tracer.write(name, value)

    @staticmethod
    def _known(tracer: Tracer, name: str) -> None:
        if name not in tracer.variables:
            near = difflib.get_close_matches(name, tracer.variables, 1)
            mistake(f"there is no variable `{name}`" + (f"; did you mean `{near[0]}`?" if near else ""))


class Elements:
    """All elements, or those related to one: what a quantifier or loop ranges over."""

    def __init__(self, relation: str | None, anchor: Expr | None) -> None:
        self.relation = relation
        self.anchor = anchor

    def range(self, bound: Expr) -> Expr:
        """The condition that the bound variable is one of them."""
        if self.relation is None or self.anchor is None:
            return TRUE
        return make("related", (self.anchor, bound), self.relation, BOOL)

    def __iter__(self) -> Iterator[Any]:
        mistake("elements are symbolic: use a plain `for` loop, all(...) or any(...) on them in a specification")


def lift(value: Any, sort: Sort | None, what: str) -> Expr:
    """A value of the text as an expression of `sort` (any sort, when None).

    Raises:
        SpecificationError: it is no value of that sort.
    """
    found = _lifted(value, sort)
    if found is None:
        mistake(f"{what} is given {value!r}, which is no value of a specification")
    if found.op == "bound" and (tracer := _CURRENT.get()) and found.uid in tracer.left:
        mistake(f"`{render(found)}` is used after its loop, where it stands for no element any more")
    if sort == OPTIONAL_ELEMENT and found.sort == ELEMENT:
        return make("some", (found,), None, OPTIONAL_ELEMENT)
    if sort is not None and found.sort != sort:
        mistake(f"{what} has the sort {sort}, but is given {render(found)} of the sort {found.sort}")
    return found


def _lifted(value: Any, sort: Sort | None) -> Expr | None:
    if isinstance(value, Expr):
        return value
    if isinstance(value, FunctionView):
        mistake("a function of elements stands where a value is needed; write it with [n]")
    if isinstance(value, bool):
        return const(value, BOOL)
    if isinstance(value, enum.Enum):
        kind = EnumSort(type(value))
        return const(kind.code(value), kind)
    if value is None:
        return const(0, OPTIONAL_ELEMENT)
    if isinstance(value, int) and isinstance(sort, RangeSort):
        if not sort.low <= value <= sort.high:
            mistake(f"{value} is outside {sort}")
        return const(value - sort.low, sort)
    return None


def symbolic(*values: Any) -> bool:
    return any(isinstance(v, Expr | FunctionView | Elements) for v in values)


def boolean(value: Any, what: str) -> Expr:
    return lift(value, BOOL, what)


def require(condition: Any) -> None:
    """A conjunct of the action's guard: the step is possible only where it holds."""
    tracer = current()
    if not tracer.writes:
        mistake("require(...) stands in a definition or property; it belongs in an action")
    if tracer.path or tracer.loops:
        mistake("require(...) stands under a condition or in a loop; state it at the top of the action")
    guard = boolean(condition, "a guard")
    tracer.guard.extend(guard.args if guard.op == "and" else (guard,))
