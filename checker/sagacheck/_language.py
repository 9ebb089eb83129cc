"""The words in which a specification is written: state, definitions, actions, properties.

    class State(StateBase):
        pc: PerElement[Pc] = per_element(Pc, Pc.IDLE, group="processes", doc="where each process is")

    @action("process")
    def enter(s: State, n: Element) -> None:
        "{n} enters."
        require(s.pc[n] == Pc.TRYING and all(s.pc[m] != Pc.INSIDE for m in elements()))
        s.pc[n] = Pc.INSIDE

A specification type-checks as ordinary Python, and is read symbolically (`sagacheck._build`): values of the state are
never there while it is read, so `if` on them reads both branches. Choices of the design (`s.design`) are plain values.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from sagacheck._errors import SpecificationError
from sagacheck._expr import Expr, fresh_bound, make
from sagacheck._front import rewrite
from sagacheck._place import here
from sagacheck._sorts import BOOL, ELEMENT, OPTIONAL_ELEMENT, Sort
from sagacheck._specification import Kind
from sagacheck._tracing import Elements, FunctionView, StateView, current, lift, mistake

__all__ = [
    "Declared",
    "Element",
    "Parameters",
    "PerElement",
    "StateBase",
    "Text",
    "action",
    "always",
    "axiom",
    "define",
    "element",
    "elements",
    "eventually",
    "invariant",
    "lemma",
    "per_element",
    "predicate",
    "procedure",
    "relation",
    "scalar",
    "sometimes",
]

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


class Element(Protocol):
    """The static type of an element of the structure, such as a node."""


class PerElement(Protocol, Generic[T]):
    """The static type of a variable that is a function of elements."""

    def __getitem__(self, element: Element) -> T:
        """The value at an element."""

    def __setitem__(self, element: Element, value: T) -> None:
        """The value at this element from now on."""


@dataclass(frozen=True)
class Declared:
    sort: Any
    initial: Any
    group: str
    doc: str
    per_element: bool
    given: Callable[[Any], bool] | None
    place: tuple[str, int]


def per_element(sort: Any, initial: Any, *, group: str, doc: str, given: Callable[[Any], bool] | None = None) -> Any:
    """Declare a function of elements; `sort` as for `scalar`."""
    return Declared(sort, initial, group, doc, True, given, here())


def scalar(sort: Any, initial: Any, *, group: str, doc: str, given: Callable[[Any], bool] | None = None) -> Any:
    """Declare a scalar variable.

    Args:
        sort: `bool`, an Enum class, `range(low, past)`, or OPTIONAL_ELEMENT for an element or None.
        initial: its initial value.
        group: the part of the state it belongs to.
        doc: its meaning, one line.
        given: where present, the variable exists only in specifications whose parameters (an object with one attribute
            a parameter) it accepts.
    """
    return Declared(sort, initial, group, doc, False, given, here())


class StateBase:
    """Base of a specification's State class: its class attributes declare the variables, in order.

    Annotations without a value name the build-time parameters that the text may ask for.
    """


@dataclass(frozen=True)
class Parameters:
    values: Mapping[str, Any]

    def __getattr__(self, name: str) -> Any:
        if name not in self.values:
            mistake(f"there is no parameter `{name}`; there are {', '.join(self.values) or 'none'}")
        return self.values[name]


@dataclass(frozen=True, eq=False)
class Text:
    """A function of the text with what its decorator says."""

    function: Callable[..., Any]
    said: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.function.__name__

    @property
    def place(self) -> tuple[str, int]:
        return self.function.__code__.co_filename, self.function.__code__.co_firstlineno

    @property
    def doc(self) -> str:
        return inspect.cleandoc(self.function.__doc__ or "")

    def refuse(self, problem: str) -> SpecificationError:
        return SpecificationError(problem, *self.place)

    def bounds(self, most: int) -> tuple[Expr, ...]:
        """A bound variable for each parameter after the state."""
        names = list(inspect.signature(self.function).parameters)[1:]
        if len(names) > most:
            raise self.refuse(f"`{self.name}` is for at most {most} element{'s' * (most > 1)}, besides the state")
        return tuple(fresh_bound(n) for n in names)


def action(
    actor: str,
    *,
    fair: bool = True,
    finitely: bool = False,
    over: str | None = None,
    given: Callable[[Any], bool] | None = None,
) -> Callable[[Callable[..., None]], Text]:
    """Mark a function (s), (s, n) or (s, n, p) as an action of `actor`; with `over`, p is among that relation of n."""
    said = {"actor": actor, "fair": fair and not finitely, "finitely": finitely, "over": over, "given": given}
    return lambda function: Text(function, said)


def _property(
    kind: Kind,
    because: str,
    source: str,
    wrong: str,
    excluded: Callable[[Any], str] | None,
    needs: Sequence[str] = (),
    after: Callable[..., bool] | None = None,
) -> Callable[[Callable[..., bool]], Text]:
    said = {"kind": kind, "because": because, "source": source, "wrong": wrong, "needs": tuple(needs)}
    return lambda function: Text(function, {**said, "excluded": excluded, "after": after})


def always(
    *, because: str, source: str, wrong: str, excluded: Callable[[Any], str] | None = None
) -> Callable[[Callable[..., bool]], Text]:
    """Mark a predicate (s) or (s, n) that holds in every reachable state, for every element n."""
    return _property(Kind.ALWAYS, because, source, wrong, excluded)


def sometimes(
    *,
    because: str,
    source: str,
    wrong: str = "",
    excluded: Callable[[Any], str] | None = None,
    needs: Sequence[str] = (),
) -> Callable[[Callable[..., bool]], Text]:
    """Mark a predicate (s) or (s, n) that holds in some reachable state, for some element n.

    Args:
        excluded: says why the parameters make it unreachable, or "".
        needs: predicates of the structure; where no element satisfies one of them, the structure excludes the property.
    """
    return _property(Kind.SOMETIMES, because, source, wrong, excluded, needs)


def eventually(
    *,
    because: str,
    source: str,
    wrong: str,
    after: Callable[..., bool] | None = None,
    excluded: Callable[[Any], str] | None = None,
) -> Callable[[Callable[..., bool]], Text]:
    """Mark a predicate (s) that every fair behaviour reaches, from each state in which `after` holds (default: any)."""
    return _property(Kind.EVENTUALLY, because, source, wrong, excluded, after=after)


def axiom(*, because: str) -> Callable[[Callable[..., bool]], Text]:
    """Mark a predicate (s) or (s, n) on structures that the inductive argument assumes; `because` justifies it."""
    return lambda function: Text(function, {"because": because})


def invariant(function: Callable[..., bool]) -> Text:
    """Mark a predicate (s) or (s, n) as a part of the inductive invariant."""
    return Text(function, {})


def lemma(*, induction: Relation | None = None) -> Callable[[Callable[..., bool]], Text]:
    """Mark a predicate (s) or (s, n) that follows from the invariant and the lemmas before it.

    Args:
        induction: how it is proved for every element: from its holding for all elements of this relation of it. The
            relation must be well-founded on every structure.
    """
    return lambda function: Text(function, {"induction": induction.name if induction else None})


def procedure(function: F) -> F:
    """Mark a function that reads and writes the state as part of an action; it is read in place, each time."""

    def call(*args: Any) -> Any:
        current()
        return rewrite(function)(*args)

    call.__wrapped__ = function  # type: ignore[attr-defined]
    return typing.cast("F", call)


def define(function: F) -> F:
    """Mark a named definition: a function (s, element or value, ...) that reads the state.

    Its parameters and its result are annotated. It may call itself along the recursion relation: with an element that
    a quantifier takes from that relation of its own first element.
    """
    text = Text(function, {})

    def call(_state: StateView, *args: Any) -> Expr:
        tracer = current()
        definition = tracer.definitions(text)
        tracer.calls.add(definition)
        if len(args) != len(definition.params):
            mistake(f"`{text.name}` takes {len(definition.params)} arguments besides the state, not {len(args)}")
        lifted = []
        for arg, param in zip(args, definition.params, strict=True):
            assert isinstance(param.sort, Sort)
            lifted.append(lift(arg, param.sort, f"the parameter `{param.data[0]}` of `{text.name}`"))
        for name in definition.reads if tracer.loops else ():
            if FunctionView(tracer, name).at_loop_start() is not tracer.state[name]:
                mistake(f"`{text.name}` reads `{name}`, which this loop has already written for all elements at once")
        so_far = tuple(
            sorted(((n, e) for n, e in tracer.updates().items() if n in definition.reads), key=lambda x: x[0])
        )
        for name in definition.reads:
            tracer.note_read(name)
        return make("call", tuple(lifted), (definition, so_far), definition.result)

    call.__wrapped__ = function  # type: ignore[attr-defined]
    return typing.cast("F", call)


def elements() -> Iterable[Any]:
    """All elements of the structure."""
    return typing.cast("Iterable[Any]", Elements(None, None))


@dataclass(frozen=True)
class Relation:
    """A relation of the structure, as a function from an element to the related elements, in the structure's order."""

    name: str

    def __call__(self, anchor: Element) -> Iterable[Any]:
        """The elements related to `anchor`."""
        return typing.cast("Iterable[Any]", Elements(self.name, self._lifted(anchor)))

    def first(self, anchor: Element) -> Any:
        """The first element related to `anchor`, or None."""
        return make("first", (self._lifted(anchor),), self.name, OPTIONAL_ELEMENT)

    def following(self, anchor: Element, after: Element) -> Any:
        """The element that comes next to `after` among those related to `anchor`, or None."""
        return make("following", (self._lifted(anchor), self._lifted(after)), self.name, OPTIONAL_ELEMENT)

    def _lifted(self, value: Any) -> Expr:
        return lift(value, ELEMENT, f"an argument of {self.name}")


def relation(name: str) -> Relation:
    """The relation that structures call `name`."""
    return Relation(name)


def predicate(name: str) -> Callable[[Any], bool]:
    """The predicate that structures call `name`."""

    def holds(of: Any) -> Any:
        return make("predicate", (lift(of, ELEMENT, f"the argument of {name}(...)"),), name, BOOL)

    return holds


def element(name: str) -> Any:
    """The element that structures know by `name`."""
    return make("element", (), name, ELEMENT)
