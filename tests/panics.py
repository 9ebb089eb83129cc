"""What tests of the executor's specification share: designs, further properties to look for, and a judge of traces.

`NoPanic` reports the shortest panic of all. To find a particular one, `reaching` adds to a specification a *sometimes*
property for each panic asked for; to find it in the executor itself, `without` takes away the observer's query.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from sagacheck import GroundSpecification, Kind, Outcome, Property, Specification, Trace
from sagacheck._expr import Expr, const, equal, make
from sagacheck._sorts import EnumSort
from sagacheck.language import build, sometimes
from sagaspec import domain
from sagaspec._design import Choices
from sagaspec._memory import Shown, node_exec_state
from sagaspec._properties import visible
from sagaspec._state import Load, Node, Panic, Pc, State

__all__ = ["STALE_DONE", "executor", "judge", "reached_name", "reaching", "replay", "watching_status", "without"]

STALE_DONE = "StaleDone"


def executor(
    design: str, overrides: Mapping[str, str] | None = None, environment: Mapping[str, str] | None = None
) -> Specification:
    """The specification of a named design with some axes set otherwise."""
    return domain.specify(domain.design(design, overrides or {}).settings, environment or {})


# Looking for one thing -----------------------------------------------------------------------------------------------


def reached_name(value: Panic | Pc) -> str:
    """The name of the property that says that this is reached."""
    return f"reaches {value.name}"


def reaching(specification: Specification, *values: Panic | Pc) -> Specification:
    """The specification with a *sometimes* property for each of these panics (or places of the loop)."""
    more = tuple(
        Property(
            name=reached_name(value),
            kind=Kind.SOMETIMES,
            params=(),
            body=_is(specification, "panic" if isinstance(value, Panic) else "pc", value),
            doc=f"This is reached: {value.value}.",
            because="a test asks",
            source="the test",
            wrong="",
            place=(__file__, 0),
        )
        for value in values
    )
    return dataclasses.replace(specification, properties=(*specification.properties, *more))


def _is(specification: Specification, variable: str, value: Panic | Pc) -> Expr:
    sort = specification.variable(variable).sort
    assert isinstance(sort, EnumSort)
    return equal(make("var", (), variable, sort), const(sort.code(value), sort))


@sometimes(because="a status query would report it", source="the silent cousin of R3")
def StaleDone(s: State, n: Node) -> bool:  # noqa: N802
    """A status query can see a node as done whose undo action has finished."""
    return visible(s) and s.log_copy[n] == Load.UNDO_FINISHED and node_exec_state(s, n) == Shown.DONE


def watching_status(specification: Specification) -> Specification:
    """The specification with the property that a node whose undo action has finished is shown as done."""
    parameters = {"design": Choices.of(specification.settings), "contract": True, "most_crashes": -1}
    text = build(
        name="watch",
        doc="One more property.",
        state=State,
        actions=(),
        properties=(StaleDone,),
        parameters=parameters,
        recursion=specification.recursion,
    )
    return dataclasses.replace(specification, properties=(*specification.properties, *text.properties))


def without(specification: Specification, *names: str) -> Specification:
    """The specification without these actions; an unknown name is a mistake of the test."""
    unknown = set(names) - {a.name for a in specification.actions}
    assert not unknown, f"there are no actions {sorted(unknown)}"
    kept = tuple(a for a in specification.actions if a.name not in names)
    return dataclasses.replace(specification, actions=kept)


# Judging a trace -----------------------------------------------------------------------------------------------------


def replay(trace: Trace) -> None:
    """Take the steps of the trace one by one on the ground specification, by its slow and plain evaluator."""
    ground = trace.ground
    assert trace.states[0] == ground.initial
    assert len(trace.states) == len(trace.steps) + 1
    for before, step, after in zip(trace.states, trace.steps, trace.states[1:], strict=False):
        assert ground.steps[step.index] is step
        assert ground.evaluate(step.guard, before), f"{step.name} is not possible there"
        assert ground.apply(before, step.updates) == after, f"{step.name} leads elsewhere"


def judge(outcome: Outcome) -> Trace:
    """Replay the trace of an outcome, and see that it shows what the outcome says; returns the trace."""
    trace = outcome.trace
    assert trace is not None, f"{outcome.property.name}: {outcome.verdict.value}, without a trace {outcome.reason}"
    replay(trace)
    if outcome.property.kind is Kind.EVENTUALLY:
        _judge_lasso(outcome.property, trace)
    else:
        wanted = outcome.property.kind is Kind.SOMETIMES
        shown = [_decides(trace.ground, outcome.property, state, wanted) for state in trace.states]
        assert outcome.element in shown[-1], "the last state does not show it"
        assert not any(shown[:-1]), "an earlier state shows it already"
    return trace


def _decides(ground: GroundSpecification, p: Property, state: int, wanted: bool) -> list[int | None]:
    """The elements for which the property's predicate is as wanted."""
    return [c.element for c in ground.claims(p) if bool(ground.evaluate(c.ground, state)) is wanted]


def _judge_lasso(p: Property, trace: Trace) -> None:
    """The behaviour goes round, or stands still, without the goal for ever, and nothing that is fair is missed."""
    ground, loop = trace.ground, trace.loop
    assert loop is not None
    assert trace.states[loop] == trace.states[-1]
    goal = ground.value(p.body, {})
    if p.after is not None:
        begins = ground.value(p.after, {})
        starts = [i for i, state in enumerate(trace.states) if ground.evaluate(begins, state)]
        assert starts, "the promise never starts"
        assert not any(ground.evaluate(goal, state) for state in trace.states[starts[-1] :])
    assert not any(ground.evaluate(goal, state) for state in trace.states[loop:])
    taken = {step.index for step in trace.steps[loop:]}
    assert not any(ground.steps[i].action.finitely for i in taken)
    for step in ground.steps:
        if step.action.fair and step.index not in taken:
            assert not all(ground.evaluate(step.guard, s) for s in trace.states[loop:]), f"unfair to {step.name}"
