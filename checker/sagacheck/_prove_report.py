"""The report of a proof: for people, and as JSON (`schemas/proof.schema.json`)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table
from rich.text import Text

from sagacheck._argument import Answer, Decided, Refutation, Rule
from sagacheck._itf import values_of
from sagacheck._model import Model
from sagacheck._narration import first_sentence
from sagacheck._prove import Proof
from sagacheck._specification import Kind
from sagacheck._text import STYLES, heading, spaced, steps_of
from sagacheck._verdict import Verdict

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["ProofReport"]

_SIGNS = {Answer.REFUTED: "no", Answer.UNKNOWN: "?"}
_LEGEND = "seconds, when proved    no refuted    ? unknown    - not decided"
_TEN = 9.95  # seconds; from here on a cell has no room for decimals


@dataclass(frozen=True)
class ProofReport:
    """What became of the argument for a model; its structure is "" where it is about every structure."""

    model: Model
    proof: Proof

    # Text --------------------------------------------------------------------------------------------------------

    def parts(self) -> Iterator[RenderableType]:
        """For people: the model, verdicts, what is assumed, every obligation, the first refutation, a summary.

        The obligations are left out where not all were decided.
        """
        yield heading(self.model)
        if self.proof.verdicts:
            yield spaced(self._verdicts())
        if self.proof.structure is None:
            yield from self._assumed()
        if not self.proof.stopped:
            yield from self._obligations()
        refuted = self.proof.having(Answer.REFUTED)
        if refuted:
            yield from self._refuted(refuted[0])
        yield from self._open(refuted)
        yield spaced(self._summary())

    def _verdicts(self) -> RenderableType:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        table.add_column("property", no_wrap=True)
        table.add_column("verdict", no_wrap=True)
        for name, verdict in self.proof.verdicts.items():
            proved = verdict is Verdict.HOLDS
            table.add_row(name, Text("proved" if proved else verdict.value, STYLES[verdict]))
        return table

    def _assumed(self) -> Iterator[RenderableType]:
        element = self.model.domain.element
        tried = ", ".join(s.name for s in self.proof.tried)
        yield spaced(Text(f"Assumed of every {self.model.domain.structure.name} (each is true of {tried}):"))
        table = Table.grid(padding=(0, 2))
        for a in self.proof.specification.axioms:
            table.add_row(f"  {a.name}", Text.assemble(first_sentence(a.doc), (f" Because {a.because}.", "dim")))
        yield table
        relations = sorted({x.induction for x in self.proof.specification.lemmas if x.induction})
        if relations:
            yield Text(
                f"and induction: what holds of each {element} of which it holds of all {' (or all '.join(relations)}"
                f"{')' * (len(relations) - 1)} holds of every {element}, since there are finitely many and no cycle."
            )

    def _obligations(self) -> Iterator[RenderableType]:
        """Every obligation with its time: a row an action, a column a part of the invariant."""
        s = self.proof.specification
        found = {(d.obligation.where, d.obligation.claim.name): d for d in self.proof.decided}
        grid = Table(box=None, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
        grid.add_column("seconds", no_wrap=True)
        for number in range(1, len(s.invariant) + 1):
            grid.add_column(str(number), justify="right", no_wrap=True)
        for where in (Rule.INITIAL.value, *(a.name for a in s.actions)):
            grid.add_row(where, *(_cell(found.get((where, part.name))) for part in s.invariant))
        yield spaced(grid)
        yield Text(_LEGEND, "dim")
        legend = Table.grid(padding=(0, 2))
        for number, part in enumerate(s.invariant, 1):
            legend.add_row(Text(str(number), justify="right"), part.name, first_sentence(part.doc))
        yield spaced(legend)
        others = Table.grid(padding=(0, 2))
        for d in self.proof.decided:
            if d.obligation.rule in (Rule.LEMMA, Rule.PROPERTY):
                claim = d.obligation.claim
                by = f" (induction along {claim.induction})" if claim.induction else ""
                others.add_row(_cell(d), d.obligation.rule.value, claim.name, first_sentence(claim.doc) + by)
        if others.row_count:
            yield spaced(others)

    def _refuted(self, d: Decided) -> Iterator[RenderableType]:
        """The first counterexample: the structure, the state before, the step."""
        assert d.refutation is not None
        trace, ground = d.refutation.trace, d.refutation.trace.ground
        where = "" if d.refutation.element is None else f" at {ground.structure.labels[d.refutation.element]}"
        yield spaced(Text.assemble((d.obligation.name, "bold red"), (" is refuted", "red")))
        yield Text(f"claim: {first_sentence(d.obligation.claim.doc)}", "dim")
        yield spaced(Text(f"On {self.model.domain.structure.name} {ground.structure.name}, in this state:"))
        yield _state(d.refutation)
        if trace.steps:
            yield spaced(steps_of(trace))
            yield Text(f"→ After it {d.obligation.claim.name} does not hold{where}.", "bold")
        else:
            yield Text(f"→ {d.obligation.claim.name} does not hold{where}.", "bold")
        yield Text("It refutes the argument; whether the state can be reached is for `check` to say.", "dim")

    def _open(self, refuted: tuple[Decided, ...]) -> Iterator[RenderableType]:
        for title, some in (("also refuted", refuted[1:]), ("unknown", self.proof.having(Answer.UNKNOWN))):
            if some:
                yield spaced(Text(f"{title}: {', '.join(d.obligation.name for d in some)}"))

    def _summary(self) -> RenderableType:
        proof = self.proof
        name = self.model.domain.structure.name
        where = f"on {name} {self.model.structure}" if proof.structure else f"on every {name}"
        count = f"{len(proof.having(Answer.PROVED))} of {proof.total} obligations proved in {proof.seconds:.1f} s"
        lines = [count + (f"; {proof.stopped}" if proof.stopped else "")]
        others = [p.kind.value for p in proof.specification.properties if p.kind is not Kind.ALWAYS]
        if others:
            lines.append(f"properties of the kinds {' and '.join(dict.fromkeys(others))} are for `check` to decide")
        if not proof.stopped:
            possible = len(proof.specification.actions) - len(proof.impossible)
            tried = ", ".join(s.name for s in proof.tried)
            never = f"; never: {', '.join(a.name for a in proof.impossible)}" if proof.impossible else ""
            total = len(proof.specification.actions)
            lines.append(f"{possible} of {total} actions are possible in a state of the invariant (on {tried}){never}")
        verdict = f"not proved {where}"
        if proof.exit_code == 0:
            many = len(proof.verdicts)
            subject = f"each of the {many} properties above" if many > 1 else "the property above"
            verdict = f"{subject} holds {where}"
        return Text.assemble("\n".join(lines), "\n", (f"{self.model.design.name}: {verdict}", "bold"))

    # JSON --------------------------------------------------------------------------------------------------------

    def json(self) -> str:
        """For programs."""
        proof = self.proof
        said = {
            "format": "sagacheck-proof-1",
            **self.model.identity(),
            "structure": self.model.structure or None,
            "exit_code": proof.exit_code,
            "properties": [{"name": name, "verdict": v.value} for name, v in proof.verdicts.items()],
            "axioms": [
                {"name": a.name, "claim": first_sentence(a.doc), "because": a.because}
                for a in proof.specification.axioms
            ],
            "invariant": [{"name": p.name, "claim": first_sentence(p.doc)} for p in proof.specification.invariant],
            "lemmas": [
                {"name": x.name, "claim": first_sentence(x.doc), "induction": x.induction}
                for x in proof.specification.lemmas
            ],
            "obligations": [_decided(d) for d in proof.decided],
            "total": proof.total,
            "tried": [s.name for s in proof.tried],
            "impossible": [a.name for a in proof.impossible],
            "seconds": round(proof.seconds, 3),
            "stopped": proof.stopped,
        }
        return json.dumps(said, indent=2, ensure_ascii=False) + "\n"


def _cell(d: Decided | None) -> str:
    if d is None:
        return "-"
    if d.answer is not Answer.PROVED:
        return _SIGNS[d.answer]
    if d.seconds < 1:
        return f"{d.seconds:.2f}".removeprefix("0")
    return f"{d.seconds:.1f}" if d.seconds < _TEN else f"{d.seconds:.0f}"


def _state(r: Refutation) -> RenderableType:
    """A whole state: a row a variable, a column an element."""
    ground = r.trace.ground
    values = values_of(ground, r.trace.states[0])
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    grid.add_column("")
    for label in ground.structure.labels:
        grid.add_column(label)
    scalars = []
    for v in ground.specification.variables:
        value = values[v.name]
        if isinstance(value, dict):
            grid.add_row(v.name, *(_word(value[label]) for label in ground.structure.labels))
        else:
            scalars.append(f"{v.name}={_word(value)}")
    grid.add_row("")
    outer = Table.grid()
    outer.add_row(grid)
    outer.add_row("  ".join(scalars))
    return outer


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "-"
    return str(value)


def _decided(d: Decided) -> dict[str, Any]:
    return {
        "rule": d.obligation.rule.value,
        "action": d.obligation.action.name if d.obligation.action else None,
        "claim": d.obligation.claim.name,
        "answer": d.answer.value,
        "seconds": round(d.seconds, 3),
        "reason": d.reason,
        "refutation": _refutation(d.refutation) if d.refutation else None,
    }


def _refutation(r: Refutation) -> dict[str, Any]:
    ground = r.trace.ground
    labels = ground.structure.labels
    return {
        "structure": ground.structure.name,
        "element": None if r.element is None else labels[r.element],
        "step": [{"action": s.action.name, "elements": [labels[e] for e in s.elements]} for s in r.trace.steps],
        "states": [values_of(ground, state) for state in r.trace.states],
    }
