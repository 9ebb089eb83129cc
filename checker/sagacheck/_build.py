"""Reading a whole specification: `build` runs its text once, for one choice of parameters, and checks what it says."""

from __future__ import annotations

import inspect
import traceback
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sagacheck._errors import SpecificationError
from sagacheck._expr import FALSE, Expr, fresh_bound, walk
from sagacheck._front import rewrite
from sagacheck._language import Declared, Element, Parameters, StateBase, Text
from sagacheck._place import OWN_FILES
from sagacheck._sorts import BOOL, ELEMENT, OPTIONAL_ELEMENT, ElementSort, EnumSort, RangeSort, Sort, sort_of
from sagacheck._specification import Action, Definition, Property, Specification, Statement, Variable
from sagacheck._tracing import StateView, Tracer, lift

__all__ = ["build"]


class _Builder:
    def __init__(self, state: type[StateBase], parameters: Mapping[str, Any], recursion: str | None) -> None:
        self.parameters = dict(parameters)
        self.recursion = recursion
        self.variables: dict[str, Variable] = {}
        self.definitions: dict[Text, Definition] = {}
        self.in_progress: list[Definition] = []
        self.sets: dict[tuple[EnumSort, frozenset[int]], str] = {}
        options = Parameters(parameters)
        for name, declared in vars(state).items():
            if isinstance(declared, Declared) and (declared.given is None or declared.given(options)):
                self.variables[name] = _variable(name, declared)

    def tracer(self, writes: bool) -> Tracer:
        return Tracer(self.variables, self.parameters, writes, self.definition)

    def read(self, text: Text, writes: bool, *args: Any) -> tuple[Tracer, Any]:
        tracer = self.tracer(writes)
        with tracer.active():
            try:
                value = rewrite(inspect.unwrap(text.function))(StateView(tracer), *args)
            except (TypeError, AttributeError) as error:  # the text treats a value of the state as a plain one
                raise SpecificationError(str(error), *place_of(error, text.place)) from error
        self.sets = {**tracer.sets, **self.sets}
        return tracer, value

    def definition(self, text: Text) -> Definition:
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
        if any(d.name == text.name for d in self.definitions.values()):
            raise text.refuse(f"there are two definitions called `{text.name}`")
        made = self.definitions[text] = Definition(text.name, text.doc, params, result, text.place)
        self.in_progress.append(made)
        tracer, value = self.read(text, False, *params)
        self.in_progress.pop()
        with tracer.active():
            made.body = _located(text, lambda: lift(value, result, f"the result of `{text.name}`"))
        made.names = tracer.names
        if made.recursive:
            self.check_recursion(made)
        made.reads = frozenset(tracer.reads).union(*[d.reads for d in tracer.calls])
        return made

    def check_recursion(self, made: Definition) -> None:
        """Recursion goes only to what a quantifier takes from the recursion relation of the first parameter."""
        assert made.body is not None
        allowed: set[int] = set()
        for e in walk(made.body):
            within = e.args[1] if e.op in ("forall", "exists") else None
            if within is not None and within.op == "related" and within.data == self.recursion and made.params:
                allowed.update([e.args[0].uid] if within.args[0] is made.params[0] else [])
        for e in walk(made.body):
            if e.op == "call" and e.data[0] is made and (not e.args or e.args[0].uid not in allowed):
                problem = (
                    f"`{made.name}` calls itself with something else than one of {self.recursion}(...) of its element"
                )
                raise SpecificationError(problem, *made.place)

    def action(self, text: Text) -> Action:
        bounds = text.bounds(2)
        if len(bounds) == 2 and text.said["over"] is None:
            raise text.refuse(f"`{text.name}` is for two elements: say which relation the second is `over`")
        tracer, _ = self.read(text, True, *bounds)
        updates = tracer.updates()
        if not text.doc:
            raise text.refuse(f"`{text.name}` has no docstring: a trace shows its first line")
        said = {k: v for k, v in text.said.items() if k != "given"}
        said |= {"place": text.place, "names": tracer.names}
        guard = tuple({g.uid: g for g in tracer.guard}.values())
        return Action(text.name, doc=text.doc, params=bounds, guard=guard, updates=updates, **said)

    def property(self, text: Text) -> Property:
        bounds = text.bounds(1)
        tracer, value = self.read(text, False, *bounds)
        with tracer.active():
            body = _located(text, lambda: lift(value, BOOL, f"the property `{text.name}`"))
        if not text.doc:
            raise text.refuse(f"the property `{text.name}` has no docstring")
        excluded, after = text.said["excluded"], text.said["after"]
        reason = excluded(Parameters(self.parameters)) if excluded else ""
        start = self.predicate(after) if after else None
        rest = {k: text.said[k] for k in ("kind", "because", "source", "wrong", "needs")}
        rest |= {"place": text.place, "names": tracer.names}
        return Property(text.name, params=bounds, body=body, doc=text.doc, after=start, excluded=reason or "", **rest)

    def statement(self, text: Text) -> Statement:
        bounds = text.bounds(1)
        tracer, value = self.read(text, False, *bounds)
        with tracer.active():
            body = _located(text, lambda: lift(value, BOOL, f"`{text.name}`"))
        if not text.doc:
            raise text.refuse(f"`{text.name}` has no docstring")
        if text.said.get("induction") and not bounds:
            raise text.refuse(f"the lemma `{text.name}` is proved by induction, so it has to be about an element")
        if "because" in text.said and (tracer.reads or any(d.reads for d in tracer.calls)):
            raise text.refuse(f"the axiom `{text.name}` reads the state; it can only speak of the structure")
        return Statement(text.name, bounds, body, text.doc, text.place, **text.said)

    def predicate(self, function: Callable[..., Any]) -> Expr:
        text = Text(function, {})
        tracer, value = self.read(text, False)
        with tracer.active():
            return _located(text, lambda: lift(value, BOOL, f"`{text.name}`"))


def place_of(error: BaseException, default: tuple[str, int]) -> tuple[str, int]:
    """Where in the text of the specification an error came from."""
    frames = [(f.f_code.co_filename, line) for f, line in traceback.walk_tb(error.__traceback__)]
    return next((place for place in reversed(frames) if place[0] not in OWN_FILES), default)


def _located(text: Text, lifting: Callable[[], Expr]) -> Expr:
    """Lift a function's result; a mistake in it is one of that function."""
    try:
        return lifting()
    except SpecificationError as error:
        raise text.refuse(error.problem) from None


def _annotated(hint: Any, text: Text, what: str) -> Sort:
    sort = ELEMENT if hint is Element else OPTIONAL_ELEMENT if hint == Element | None else sort_of(hint)
    if sort is None:
        raise text.refuse(f"{what} of the definition `{text.name}` has no annotation that names a sort")
    return sort


def _refuse_doubles(what: str, texts: Sequence[Text]) -> None:
    names: set[str] = set()
    for text in texts:
        if text.name in names:
            raise text.refuse(f"there are two {what} called `{text.name}`")
        names.add(text.name)


def _variable(name: str, declared: Declared) -> Variable:
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
    actions: Sequence[Text],
    properties: Sequence[Text],
    rest: Callable[..., bool] | None = None,
    initial: Callable[..., None] | None = None,
    parameters: Mapping[str, Any] | None = None,
    recursion: str | None = None,
    element_name: str = "element",
    groups: Sequence[str] = (),
    settings: Mapping[str, str] | None = None,
    axioms: Sequence[Text] = (),
    invariant: Sequence[Text] = (),
    lemmas: Sequence[Text] = (),
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
        axioms, invariant, lemmas: the inductive argument (`sagacheck._argument`), if there is one.

    Raises:
        SpecificationError: a mistake in the text, with its file and line.
    """
    builder = _Builder(state, parameters or {}, recursion)
    options = Parameters(parameters or {})
    present = [t for t in actions if t.said["given"] is None or t.said["given"](options)]
    _refuse_doubles("actions", present)
    _refuse_doubles("properties", properties)
    _refuse_doubles("statements", (*axioms, *invariant, *lemmas))
    made = tuple(builder.action(t) for t in present)
    checked = tuple(builder.property(t) for t in properties)
    argument = [tuple(builder.statement(t) for t in texts) for texts in (axioms, invariant, lemmas)]
    resting = builder.predicate(rest) if rest else FALSE
    start: dict[str, Expr] = {}
    if initial is not None:
        tracer, _ = builder.read(Text(initial, {}), True)
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
        builder.sets,
        *argument,
    )
