"""docs/findings.md: the shortest way to each panic, and which designs reach which."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from generator.block import Block, table
from generator.designs import TRANSITIVE
from sagacheck import Design, InputError, Result, Specification, Verdict, check
from sagacheck._narration import length_in_words, narrate, what_is_wrong
from sagacheck.language import build, sometimes
from sagaspec import domain
from sagaspec._design import Choices
from sagaspec._environment import contract_kept, most_crashes
from sagaspec._state import Panic, State

__all__ = ["BLOCKS", "Case", "reach", "told"]

SAGAS = ("chain:2", "a,b", "fork-join:2", "diamond", TRANSITIVE, "a>b,b>c,a>c")
BASES = ("conforming", "steno-0.4.1")


@dataclass(frozen=True)
class Case:
    """One question: how is this panic (or, by name, this property) reached, in which design, on which saga?"""

    panic: str
    design: str
    dag: str
    crashes: str = "any"
    changes: tuple[str, ...] = ()

    def settings(self) -> dict[str, str]:
        """The design's settings. Raises InputError."""
        for change in self.changes:
            if "=" not in change:
                raise InputError(f"--set {change}: write AXIS=VALUE")
        changes = dict(c.split("=", 1) for c in self.changes)
        return dict(domain.design(self.design, changes).settings)

    def command(self) -> str:
        """The command that prints this case."""
        sets = [w for c in self.changes for w in ("--set", c)]
        crashes = ["--crashes", self.crashes] if self.crashes != "any" else []
        where = ["--design", self.design, *sets, "--dag", self.dag, *crashes]
        if self.panic in Panic.__members__:
            return shlex.join(["python", "docs/generate.py", "--panic", self.panic, *where])
        return shlex.join(["sagacheck", "check", "--property", self.panic, *where])


# One property for each panic -----------------------------------------------------------------------------------------


def _reached(panic: Panic) -> Any:
    def text(s: State) -> bool:
        return s.panic == panic

    text.__name__ = panic.name
    text.__doc__ = panic.value
    return sometimes(because="NoPanic reports only the shortest panic", source="docs/findings.md")(text)


PANICS = tuple(p for p in Panic if p is not Panic.NONE)


def _asking(settings: dict[str, str], crashes: str) -> Specification:
    """The specification of a design with one *sometimes* property for each panic instead of its own properties."""
    environment = {"crashes": crashes}
    parameters = {
        "design": Choices.of(settings),
        "contract": contract_kept(environment),
        "most_crashes": most_crashes(environment),
    }
    texts = [_reached(p) for p in PANICS]
    doc = "One property for each panic."
    asked = build(name="panics", doc=doc, state=State, actions=(), properties=texts, parameters=parameters)
    return dataclasses.replace(domain.specify(settings, environment), properties=asked.properties)


@cache
def _search(settings: tuple[tuple[str, str], ...], dag: str, crashes: str, only: tuple[str, ...] = ()) -> Result:
    specification = _asking(dict(settings), crashes)
    return check(specification, domain.load(dag, {"crashes": crashes}), properties=only)


def reach(settings: dict[str, str], dag: str, crashes: str = "any") -> dict[str, int]:
    """The panics that a design reaches on a saga: name -> the least number of steps."""
    result = _search(tuple(settings.items()), dag, crashes, tuple(p.name for p in PANICS))
    return {o.property.name: len(o.trace.steps) for o in result.outcomes if o.trace is not None}


# Traces --------------------------------------------------------------------------------------------------------------


def told(case: Case) -> str:
    """The shortest way there: its command, one line a step, what is wrong at the end.

    Raises:
        InputError: an unknown name, or it is not reached.
    """
    settings = case.settings()
    if case.panic in Panic.__members__:
        result = _search(tuple(settings.items()), case.dag, case.crashes, (case.panic,))
        outcome = result.of(case.panic)
        wanted = Verdict.HOLDS
    else:
        environment = {"crashes": case.crashes}
        specification = domain.specify(settings, environment)
        result = check(specification, domain.load(case.dag, environment), properties=(case.panic,))
        outcome = result.of(case.panic)
        wanted = Verdict.VIOLATED
    if outcome.trace is None or outcome.verdict is not wanted:
        raise InputError(f"{case.panic} is not reached ({outcome.verdict.value}): {case.command()}")
    trace = outcome.trace
    is_panic = wanted is Verdict.HOLDS
    wrong = Panic[case.panic].value if is_panic else what_is_wrong(outcome.property, trace, outcome.element)
    actors = [line.step.action.actor for line in narrate(trace)]
    width = max(map(len, actors), default=0)
    lines = [f"{x.number:>3}  {x.step.action.actor:<{width}}  {x.text}" for x in narrate(trace)]
    return "\n".join(
        [f"```\n{case.command()}\n```", "", f"{length_in_words(trace)}:", "", "```", *lines, f"  => {wrong}", "```"]
    )


# The table of panics -------------------------------------------------------------------------------------------------


def _designs() -> Iterator[tuple[str, dict[str, str]]]:
    """The named designs, and each design one axis away from those in BASES."""
    for d in domain.designs:
        yield d.name, dict(d.settings)
    for name in BASES:
        base = domain.design(name)
        for axis in domain.axes:
            for value in axis.values:
                settings = {**base.settings, axis.name: value}
                if value != base.settings[axis.name] and not domain.refuse(settings):
                    yield _named(name, axis.name, value, settings), settings


def _named(base: str, axis: str, value: str, settings: dict[str, str]) -> str:
    same: Design = domain.named(settings, domain.design(base))
    return f"{base} {axis}={value}" if same.name not in {d.name for d in domain.designs} else same.name


def _least(settings: dict[str, str], dags: Iterable[str]) -> dict[str, tuple[int, str]]:
    """Over these sagas: panic -> (least number of steps, the saga)."""
    found: dict[str, tuple[int, str]] = {}
    for dag in dags:
        for panic, length in reach(settings, dag).items():
            if panic not in found or length < found[panic][0]:
                found[panic] = (length, dag)
    return found


def panic_table() -> str:
    """Which designs reach which panic, over all of SAGAS, and which panics nobody reaches."""
    rows = {name: _least(settings, SAGAS) for name, settings in _designs()}
    columns = [p.name for p in PANICS if any(p.name in found for found in rows.values())]
    letters = {dag: chr(ord("A") + i) for i, dag in enumerate(SAGAS)}
    cells = [
        [f"`{name}`", *(f"{f[c][0]} {letters[f[c][1]]}" if c in f else "·" for c in columns)]
        for name, f in rows.items()
    ]
    never = [f"`{p.name}`" for p in PANICS if p.name not in columns]
    key = ", ".join(f"{letter} `{dag}`" for dag, letter in letters.items())
    return (
        f"{table(('design', *(f'`{c}`' for c in columns)), cells)}\n\n"
        f"NUMBER SAGA: the least number of steps, with any number of crashes, and the first saga on which it is that; "
        f"· not reached on any of them. Sagas: {key}.\n\n"
        f"Reached by none of these designs on any of these sagas: {', '.join(never) or 'none'}."
    )


_FIXED = "steno-461-462"

BLOCKS = (
    Block("panic-table", panic_table, slow=True),
    *(
        Block(name, partial(told, case))
        for name, case in {
            "stuck-again": Case("STUCK_AGAIN", _FIXED, "fork-join:2", "0"),
            "stuck-again-shortest": Case("STUCK_AGAIN", _FIXED, "fork-join:2"),
            "revisited": Case("REVISITED", _FIXED, TRANSITIVE, "0"),
            "lock-busy": Case("LOCK_BUSY", _FIXED, "chain:1", "0"),
            "result-busy": Case("RESULT_BUSY", _FIXED, "chain:1", "0"),
            "no-cause": Case("NO_CAUSE", "conforming", "fork-join:2", "any", ("completion=memory-first",)),
            "recovery-stuck-again": Case("RECOVERY_STUCK_AGAIN", _FIXED, "fork-join:2"),
            "recovery-refused": Case("Recoverable", "steno-461", "fork-join:2", "1"),
            "recovery-refused-shortest": Case("Recoverable", "steno-461", "fork-join:2"),
            "recovery-refused-volume": Case("Recoverable", "steno-461", "volume_delete"),
        }.items()
    ),
)
