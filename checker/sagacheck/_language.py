"""The words in which a specification is written: state, definitions, actions, properties; and `build`, which reads it.

    class State(StateBase):
        pc: PerElement[Pc] = per_element(Pc, Pc.IDLE, group="processes", doc="where each process is")

    @action("process")
    def enter(s: State, n: Element) -> None:
        "{n} enters."
        require(s.pc[n] == Pc.TRYING and all(s.pc[m] != Pc.INSIDE for m in elements()))
        s.pc[n] = Pc.INSIDE

A specification that type-checks as ordinary Python is also one that is read symbolically: values of the state are never
there while it is read, so `if` on them reads both branches. Choices of the design (`s.design`) are plain values.
"""

from __future__ import annotations

import inspect
import traceback
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from sagacheck._errors import SpecificationError
from sagacheck._expr import TRUE, Expr, conjunction, const, fresh_bound, make
from sagacheck._front import rewrite
from sagacheck._sorts import BOOL, ELEMENT, OPTIONAL_ELEMENT, ElementSort, EnumSort, RangeSort, Sort, sort_of
from sagacheck._specification import Action, Definition, Kind, Property, Specification, Variable
from sagacheck._tracing import OWN_FILES, Elements, FunctionView, StateView, Tracer, current, here, lift, mistake

__all__ = [
    "Element",
    "PerElement",
    "StateBase",
    "action",
    "always",
    "build",
    "define",
    "element",
    "elements",
    "eventually",
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
class _Declared:
    sort: Any
    initial: Any
    group: str
    doc: str
    per_element: bool
    given: Callable[[Any], bool] | None
    place: tuple[str, int]


def per_element(sort: Any, initial: Any, *, group: str, doc: str, given: Callable[[Any], bool] | None = None) -> Any:
    """Declare a function of elements; `sort` as for `scalar`."""
    return _Declared(sort, initial, group, doc, True, given, here())


def scalar(sort: Any, initial: Any, *, group: str, doc: str, given: Callable[[Any], bool] | None = None) -> Any:
    """Declare a scalar variable.

    Args:
        sort: `bool`, an Enum class, `range(low, past)`, `Element`, or `Element | None` written as OPTIONAL_ELEMENT.
        initial: its initial value.
        group: the part of the state it belongs to.
        doc: its meaning, one line.
        given: where present, the variable exists only in specifications whose parameters (an object with one attribute
            a parameter) it accepts.
    """
    return _Declared(sort, initial, group, doc, False, given, here())


class StateBase:
    """Base of a specification's State class: its class attributes declare the variables, in order.

    Annotations without a value name the build-time parameters that the text may ask for.
    """


@dataclass(frozen=True)
class _Parameters:
    values: Mapping[str, Any]

    def __getattr__(self, name: str) -> Any:
        return self.values[name]


@dataclass(frozen=True, eq=False)
class _Text:
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
) -> Callable[[Callable[..., None]], _Text]:
    """Mark a function (s), (s, n) or (s, n, p) as an action of `actor`; with `over`, p is among that relation of n."""
    said = {"actor": actor, "fair": fair and not finitely, "finitely": finitely, "over": over, "given": given}
    return lambda function: _Text(function, said)


def _property(
    kind: Kind,
    because: str,
    source: str,
    wrong: str,
    excluded: Callable[[Any], str] | None,
    needs: Sequence[str] = (),
    after: Callable[..., bool] | None = None,
) -> Callable[[Callable[..., bool]], _Text]:
    said = {"kind": kind, "because": because, "source": source, "wrong": wrong, "needs": tuple(needs)}
    return lambda function: _Text(function, {**said, "excluded": excluded, "after": after})


def always(
    *, because: str, source: str, wrong: str, excluded: Callable[[Any], str] | None = None
) -> Callable[[Callable[..., bool]], _Text]:
    """Mark a predicate (s) or (s, n) that holds in every reachable state, for every element n."""
    return _property(Kind.ALWAYS, because, source, wrong, excluded)


def sometimes(
    *,
    because: str,
    source: str,
    wrong: str = "",
    excluded: Callable[[Any], str] | None = None,
    needs: Sequence[str] = (),
) -> Callable[[Callable[..., bool]], _Text]:
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
) -> Callable[[Callable[..., bool]], _Text]:
    """Mark a predicate (s) that every fair behaviour reaches, from each state in which `after` holds (default: any)."""
    return _property(Kind.EVENTUALLY, because, source, wrong, excluded, after=after)


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
    text = _Text(function, {})

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


class _Builder:
    def __init__(self, state: type[StateBase], parameters: Mapping[str, Any], recursion: str | None) -> None:
        self.parameters = dict(parameters)
        self.recursion = recursion
        self.variables: dict[str, Variable] = {}
        self.definitions: dict[_Text, Definition] = {}
        self.in_progress: list[Definition] = []
        options = _Parameters(parameters)
        for name, declared in vars(state).items():
            if isinstance(declared, _Declared) and (declared.given is None or declared.given(options)):
                self.variables[name] = _variable(name, declared)

    def tracer(self, writes: bool) -> Tracer:
        return Tracer(self.variables, self.parameters, writes, self.definition)

    def read(self, text: _Text, writes: bool, *args: Any) -> tuple[Tracer, Any]:
        tracer = self.tracer(writes)
        with tracer.active():
            try:
                return tracer, rewrite(inspect.unwrap(text.function))(StateView(tracer), *args)
            except TypeError as error:  # the text treats a value of the state as a plain one
                raise SpecificationError(str(error), *place_of(error, text.place)) from error

    def definition(self, text: _Text) -> Definition:
        """The definition of that text, read once."""
        found = self.definitions.get(text)
        if found is not None:
            if found in self.in_progress:
                if found is not self.in_progress[-1]:
                    raise text.refuse(
                        f"`{text.name}` is defined in terms of itself through `{self.in_progress[-1].name}`"
                    )
                found.recursive = True
            return found
        try:
            hints = typing.get_type_hints(text.function)
        except NameError as error:
            raise text.refuse(f"an annotation of `{text.name}` means nothing in its module: {error}") from None
        names = list(inspect.signature(text.function).parameters)[1:]
        params = tuple(fresh_bound(n, _annotated(hints.get(n), text, n)) for n in names)
        result = _annotated(hints.get("return"), text, "the result")
        made = self.definitions[text] = Definition(text.name, text.doc, params, result, text.place)
        self.in_progress.append(made)
        tracer, value = self.read(text, False, *params)
        self.in_progress.pop()
        with tracer.active():
            made.body = _located(text, lambda: lift(value, result, f"the result of `{text.name}`"))
        if made.recursive:
            self.check_recursion(made)
        made.reads = frozenset(tracer.reads).union(*[d.reads for d in tracer.calls])
        return made

    def check_recursion(self, made: Definition) -> None:
        """Recursion goes only to what a quantifier takes from the recursion relation of the first parameter."""
        assert made.body is not None
        allowed: set[int] = set()
        for e in _walk_all(made.body):
            within = e.args[1] if e.op in ("forall", "exists") else None
            if within is not None and within.op == "related" and within.data == self.recursion and made.params:
                allowed.update([e.args[0].uid] if within.args[0] is made.params[0] else [])
        for e in _walk_all(made.body):
            if e.op == "call" and e.data[0] is made and (not e.args or e.args[0].uid not in allowed):
                problem = (
                    f"`{made.name}` calls itself with something else than one of {self.recursion}(...) of its element"
                )
                raise SpecificationError(problem, *made.place)

    def action(self, text: _Text) -> Action:
        bounds = text.bounds(2)
        if len(bounds) == 2 and text.said["over"] is None:
            raise text.refuse(f"`{text.name}` is for two elements: say which relation the second is `over`")
        tracer, _ = self.read(text, True, *bounds)
        updates = tracer.updates()
        if not text.doc:
            raise text.refuse(f"`{text.name}` has no docstring: a trace shows its first line")
        said = {k: v for k, v in text.said.items() if k != "given"}
        guard = tuple({g.uid: g for g in tracer.guard}.values())
        return Action(text.name, doc=text.doc, params=bounds, guard=guard, updates=updates, place=text.place, **said)

    def property(self, text: _Text) -> Property:
        bounds = text.bounds(1)
        tracer, value = self.read(text, False, *bounds)
        with tracer.active():
            body = _located(text, lambda: lift(value, BOOL, f"the property `{text.name}`"))
        if not text.doc:
            raise text.refuse(f"the property `{text.name}` has no docstring")
        excluded, after = text.said["excluded"], text.said["after"]
        reason = excluded(_Parameters(self.parameters)) if excluded else ""
        start = self.predicate(after) if after else None
        rest = {k: text.said[k] for k in ("kind", "because", "source", "wrong", "needs")}
        where = text.place
        return Property(
            text.name, params=bounds, body=body, doc=text.doc, place=where, after=start, excluded=reason or "", **rest
        )

    def predicate(self, function: Callable[..., Any]) -> Expr:
        text = _Text(function, {})
        tracer, value = self.read(text, False)
        with tracer.active():
            return _located(text, lambda: lift(value, BOOL, f"`{text.name}`"))


def place_of(error: BaseException, default: tuple[str, int]) -> tuple[str, int]:
    """Where in the text of the specification an error came from."""
    frames = [(f.f_code.co_filename, line) for f, line in traceback.walk_tb(error.__traceback__)]
    return next((place for place in reversed(frames) if place[0] not in OWN_FILES), default)


def _walk_all(body: Expr) -> Iterable[Expr]:
    from sagacheck._expr import walk

    return walk(body)


def _located(text: _Text, lifting: Callable[[], Expr]) -> Expr:
    """Lift a function's result; a mistake in it is one of that function."""
    try:
        return lifting()
    except SpecificationError as error:
        raise text.refuse(error.problem) from None


def _annotated(hint: Any, text: _Text, what: str) -> Sort:
    sort = ELEMENT if hint is Element else OPTIONAL_ELEMENT if hint == Element | None else sort_of(hint)
    if sort is None:
        raise text.refuse(f"{what} of the definition `{text.name}` has no annotation that names a sort")
    return sort


def _refuse_doubles(what: str, texts: Sequence[_Text]) -> None:
    names: set[str] = set()
    for text in texts:
        if text.name in names:
            raise text.refuse(f"there are two {what} called `{text.name}`")
        names.add(text.name)


def _variable(name: str, declared: _Declared) -> Variable:
    sort = ELEMENT if declared.sort is Element else sort_of(declared.sort)
    if sort is None:
        raise SpecificationError(f"the variable `{name}` has no finite sort ({declared.sort!r})", *declared.place)
    initial = declared.initial
    if isinstance(sort, RangeSort) and type(initial) is int and sort.low <= initial <= sort.high:
        code = initial - sort.low
    elif isinstance(sort, EnumSort) and isinstance(initial, sort.members):
        code = sort.code(initial)
    elif (sort == BOOL and isinstance(initial, bool)) or (
        isinstance(sort, ElementSort) and sort.optional and initial is None
    ):
        code = int(initial or False)
    else:
        problem = f"the variable `{name}` starts as {initial!r}, which is no value of {sort}"
        raise SpecificationError(problem, *declared.place)
    return Variable(name, sort, declared.per_element, code, declared.group, declared.doc)


def build(
    *,
    name: str,
    doc: str,
    state: type[StateBase],
    actions: Sequence[_Text],
    properties: Sequence[_Text],
    rest: Callable[..., bool] | None = None,
    initial: Callable[..., None] | None = None,
    parameters: Mapping[str, Any] | None = None,
    recursion: str | None = None,
    element_name: str = "element",
    groups: Sequence[str] = (),
    settings: Mapping[str, str] | None = None,
) -> Specification:
    """Read the text of a specification, for one choice of parameters.

    Args:
        state: the class that declares the variables.
        actions: in the order in which they are preferred among equally short counterexamples.
        properties: in the order of reports.
        rest: predicate (s): a behaviour may end here; nowhere, when None.
        initial: procedure (s) that makes the initial state out of the variables' initial values.
        parameters: build-time values that the text asks for as `s.NAME`.
        recursion: the relation along which definitions may recurse; structures must give it well-founded.
        settings: what reports say of the parameters.

    Raises:
        SpecificationError: a mistake in the text, with its file and line.
    """
    builder = _Builder(state, parameters or {}, recursion)
    options = _Parameters(parameters or {})
    present = [t for t in actions if t.said["given"] is None or t.said["given"](options)]
    _refuse_doubles("actions", present)
    _refuse_doubles("properties", properties)
    made = tuple(builder.action(t) for t in present)
    checked = tuple(builder.property(t) for t in properties)
    resting = builder.predicate(rest) if rest else constant(False)
    start: dict[str, Expr] = {}
    if initial is not None:
        tracer, _ = builder.read(_Text(initial, {}), True)
        start = tracer.updates()
    return Specification(
        name,
        doc,
        element_name,
        tuple(builder.variables.values()),
        start,
        made,
        tuple(builder.definitions.values()),
        checked,
        resting,
        recursion,
        tuple(groups),
        dict(settings or {}),
    )


def guard_of(a: Action) -> Expr:
    """The whole guard of an action."""
    return conjunction(a.guard) if a.guard else TRUE


def constant(value: bool) -> Expr:
    """A truth value as an expression."""
    return const(value, BOOL)
