"""The report of a test of an implementation: each requirement with what is known of it, and what shows a failure.

For people as text; for programs as JSON, as `schemas/conform.schema.json` says, and as JUnit XML for CI servers.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from rich import box
from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from sagacheck._conform import Evidence, Examiner, Suite
from sagacheck._ground import GroundSpecification
from sagacheck._model import versions
from sagacheck._narration import step_text
from sagacheck._play import Failure
from sagacheck._protocol import Hello, Offer
from sagacheck._requirements import Judged, Judgement, counted, exit_code

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["ConformReport", "steps_text"]

_STYLES = {
    Judgement.PASSED: "green",
    Judgement.FAILED: "bold red",
    Judgement.NOT_REACHED: "yellow",
    Judgement.NOT_OBSERVABLE: "yellow",
    Judgement.NOT_SUPPORTED: "dim",
}


def steps_text(steps: Sequence[Offer]) -> str:
    """Steps as `--steps` takes them; `;` for none."""
    return "; ".join(map(str, steps)) or ";"


@dataclass(frozen=True)
class ConformReport:
    """What came of a test.

    Attributes:
        examiner: it has run. judged: the requirements that were asked for. named: whether they were asked for by name.
        selected: the option that selects the implementation, as a command line has it.
        options: what else a command line needs for the same runs, with a blank before each.
        coverage: whether the graph's steps are told by name.
    """

    examiner: Examiner
    judged: tuple[Judged, ...]
    named: bool
    selected: str
    options: str = ""
    coverage: bool = False

    @property
    def exit_code(self) -> int:
        """0, 1 or 3; see `_requirements.exit_code`. 3 too where the test, or a given run, was not made to its end."""
        if self.given:
            return 1 if self.judged else 3 if self.evidence.stopped else 0
        code = exit_code(self.judged, named=self.named)
        return code or (3 if "interrupted" in self.evidence.stopped else 0)

    @property
    def given(self) -> bool:
        """Whether there was only a run that the user gave, so that nothing is known but what failed in it."""
        return set(+self.evidence.runs) == {Suite.GIVEN}

    @property
    def evidence(self) -> Evidence:
        """What was seen."""
        return self.examiner.evidence

    @property
    def hello(self) -> Hello:
        """What the implementation says of itself."""
        return self.examiner.hello

    # For people -------------------------------------------------------------------------------------------------------

    def parts(self) -> Iterator[RenderableType]:
        """The parts of the report, in order."""
        yield self._heading()
        if self.judged:
            yield Padding(self._requirements(), (1, 0, 0, 0))
        for judged in self.judged:
            for failure in judged.failures:
                yield from self._failure(failure)
        yield from self._coverage()
        yield Padding(self._ending(), (1, 0, 0, 0))

    def _heading(self) -> Table:
        hello = self.hello
        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column(style="dim")
        table.add_column(overflow="fold")
        version = f" {hello.version}" if hello.version else ""
        table.add_row("implementation", f"{hello.implementation}{version} ({hello.language})")
        held = len(hello.steps)
        own = f"; {len(hello.internal)} happen on their own" if hello.internal else ""
        table.add_row("injection points", f"held at {held} steps of the specification{own}")
        every = self.examiner.variables()
        table.add_row(
            "shown", f"{len(hello.shows & every)} of {len(every)} variables: {', '.join(sorted(hello.shows))}"
        )
        table.add_row("it can do", ", ".join(sorted(hello.capabilities)) or "nothing that is asked for")
        runs = ", ".join(f"{suite} {self.evidence.runs[suite]}" for suite in Suite if self.evidence.runs[suite])
        table.add_row("runs", f"{runs or 'none'}; {counted(self.evidence.steps.total(), 'step')} in all")
        for structure, why in self.evidence.unsupported.items():
            table.add_row("not supported", f"{structure}: {why}")
        for why in self.evidence.stopped:
            table.add_row("not all of it", why)
        return table

    def _requirements(self) -> Table:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        table.add_column("requirement", no_wrap=True)
        table.add_column("verdict", no_wrap=True)
        table.add_column("", overflow="fold")
        for j in self.judged:
            why = j.failures[0].wrong if j.failures else j.reason
            table.add_row(j.requirement.name, Text(j.judgement.value, _STYLES[j.judgement]), why)
        return table

    def _failure(self, failure: Failure) -> Iterator[RenderableType]:
        count = counted(len(failure.steps), "step")
        title = Text.assemble((failure.requirement, "bold red"), f" fails on {failure.structure} after {count}")
        yield Padding(title, (1, 0, 0, 0))
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        table.add_column("#", justify="right", no_wrap=True)
        table.add_column("does", overflow="fold")
        table.add_column("step", overflow="fold")
        texts = self._texts(failure.structure)
        for i, offer in enumerate(failure.steps, 1):
            table.add_row(str(i), texts.get(offer, ""), str(offer))
        yield table
        yield Text.assemble(("→ ", "bold red"), (failure.wrong, "bold"))
        if failure.differences:
            sides = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
            sides.add_column("differs", overflow="fold")
            sides.add_column("in the specification", overflow="fold")
            sides.add_column(f"in {self.hello.implementation}", overflow="fold")
            for d in failure.differences:
                where = f"{d.variable}[{d.element}]" if d.element else d.variable
                sides.add_row(where, Text(d.allowed, "cyan"), Text(d.shown, "bold red"))
            yield sides
        # To be copied, so it stays one line; in a group, because a text alone is wrapped all the same.
        yield Group(Text(f"again: {self._again(failure)}", "dim", no_wrap=True, overflow="ignore"))

    def _again(self, failure: Failure) -> str:
        structure = self.examiner.domain.structure.name
        where = f"{self.selected}{self.options} --{structure} {shlex.quote(failure.structure)}"
        return f"sagacheck conform {where} --steps {shlex.quote(steps_text(failure.steps))}"

    def _texts(self, structure: str) -> dict[Offer, str]:
        """What each step does, in one sentence."""
        arena = self.examiner.arena(structure)
        return {**_told(arena.monitor.ground), **_told(arena.ground)}

    def _coverage(self) -> Iterator[RenderableType]:
        if not self.evidence.coverage:
            return
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        table.add_column("the graph of", no_wrap=True)
        for title in ("taken", "not come to", "not asked for", "all"):
            table.add_column(title, justify="right")
        table.add_column("")
        for c in self.evidence.coverage:
            numbers = (c.taken.total(), c.missed.total(), c.left.total(), c.total)
            share = f"{c.taken.total() / c.total:.1%}" if c.total else ""
            of = "" if c.exact else ", of what can be told apart from outside"
            table.add_row(c.structure, *map(str, numbers), share + of)
            for step in sorted({*c.taken, *c.missed, *c.left}) if self.coverage else ():
                each = (c.taken[step], c.missed[step], c.left[step])
                table.add_row(f"  {step}", *map(str, each), str(sum(each)), "")
        yield Padding(table, (1, 0, 0, 0))

    def _ending(self) -> Text:
        counts = {v: sum(j.judgement is v for j in self.judged) for v in Judgement}
        said = (
            ", ".join(f"{n} {v.value}" for v, n in counts.items() if n)
            or "nothing that was asked for fails in this run"
        )
        style = "bold red" if counts[Judgement.FAILED] else "bold yellow" if self.exit_code else "bold green"
        return Text(f"{self.hello.implementation}: {said}", style)

    # For programs -----------------------------------------------------------------------------------------------------

    def json(self) -> str:
        """The report, as text."""
        hello, evidence = self.hello, self.evidence
        report = {
            "format": "sagacheck-conform-1",
            "versions": versions(),
            "implementation": {
                "selected": self.selected,
                "name": hello.implementation,
                "version": hello.version,
                "language": hello.language,
                "capabilities": sorted(hello.capabilities),
                "steps": sorted(hello.steps),
                "internal": sorted(hello.internal),
                "shows": sorted(hello.shows),
            },
            "requirements": [self._judged_json(j) for j in self.judged],
            "coverage": [
                {
                    "structure": c.structure,
                    "exact": c.exact,
                    "taken": dict(sorted(c.taken.items())),
                    "not_come_to": dict(sorted(c.missed.items())),
                    "not_asked_for": dict(sorted(c.left.items())),
                }
                for c in evidence.coverage
            ],
            "runs": {suite.value: evidence.runs[suite] for suite in Suite},
            "steps": evidence.steps.total(),
            "unsupported": evidence.unsupported,
            "stopped": evidence.stopped,
            "exit_code": self.exit_code,
        }
        return json.dumps(report, indent=2, ensure_ascii=False) + "\n"

    def _judged_json(self, j: Judged) -> dict[str, Any]:
        return {
            "name": j.requirement.name,
            "claim": j.requirement.claim,
            "judgement": j.judgement.value,
            "reason": j.reason,
            "failures": [
                {
                    "wrong": f.wrong,
                    "structure": f.structure,
                    "steps": [{"step": o.step, "node": o.element} for o in f.steps],
                    "differences": [
                        {"variable": d.variable, "element": d.element or None, "allowed": d.allowed, "shown": d.shown}
                        for d in f.differences
                    ],
                    "again": self._again(f),
                }
                for f in j.failures
            ],
        }

    def junit(self) -> str:
        """The report as JUnit XML: a test case for each requirement; what was not verified is skipped."""
        failed = [j for j in self.judged if j.judgement is Judgement.FAILED]
        skipped = [j for j in self.judged if j.judgement not in (Judgement.FAILED, Judgement.PASSED)]
        numbers = {"tests": len(self.judged), "failures": len(failed), "skipped": len(skipped), "errors": 0}
        suite = ElementTree.Element(
            "testsuite", {"name": "sagacheck conform", **{k: str(n) for k, n in numbers.items()}}
        )
        for j in self.judged:
            case = ElementTree.SubElement(
                suite, "testcase", {"classname": self.hello.implementation, "name": j.requirement.name}
            )
            if j in failed:
                lines = [f"{f.wrong}\n{self._again(f)}" for f in j.failures]
                ElementTree.SubElement(case, "failure", {"message": j.failures[0].wrong}).text = "\n\n".join(lines)
            elif j in skipped:
                ElementTree.SubElement(case, "skipped", {"message": f"{j.judgement.value}: {j.reason}"})
        ElementTree.indent(suite)
        return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _told(ground: GroundSpecification) -> dict[Offer, str]:
    labels = ground.structure.labels
    return {
        Offer(s.action.name, labels[s.elements[0]] if s.elements else None): step_text(s, ground)
        for s in ground.steps
        if len(s.elements) < 2
    }
