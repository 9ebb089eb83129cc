"""The commands that test an implementation: `conform` and `requirements`."""

from __future__ import annotations

import contextlib
import enum
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from sagacheck._console import render, tell
from sagacheck._domain import Domain
from sagacheck._errors import ImplementationError, InputError
from sagacheck._options import OUTPUT, OutputFile, SpecOption, importable, seconds_of
from sagacheck._output import put, refuse_unwritable, whole_file
from sagacheck._progress import counting
from sagacheck._protocol import Connection, Conversation, Offer

if TYPE_CHECKING:
    from sagacheck._conform import Examiner, Plan
    from sagacheck._requirements import Requirement

__all__ = ["ConformCommands", "ConformFormat", "SuiteName"]

IMPLEMENTATION = "The implementation under test (one of these)"
SUITES = "What is run"

_OFFER = re.compile(r"\s*([A-Za-z_]\w*)\s*(?:\((.*)\))?\s*", re.DOTALL)


class ConformFormat(enum.StrEnum):
    """How `conform` says what it found."""

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"


class SuiteName(enum.StrEnum):
    """Which runs."""

    COVER = "cover"
    FORBIDDEN = "forbidden"
    RANDOM = "random"


class ConformCommands:
    """The commands, for one domain that the user selected as `selected` (None: the default)."""

    def __init__(self, domain: Domain, selected: str | None) -> None:
        self.domain = domain
        self.selected = selected

    def conform(
        self,
        structure: str,
        environment: Mapping[str, str],
        *,
        spec: SpecOption = None,  # noqa: ARG002  (found before the command line was read)
        cmd: Annotated[
            str,
            typer.Option("--cmd", metavar="COMMAND", help="Start this adapter.", rich_help_panel=IMPLEMENTATION),
        ] = "",
        listen: Annotated[
            str,
            typer.Option(
                "--listen",
                metavar="HOST:PORT|PATH",
                help="Wait there until an adapter connects.",
                rich_help_panel=IMPLEMENTATION,
            ),
        ] = "",
        impl: Annotated[
            str,
            typer.Option(
                "--impl",
                metavar="NAME|module:object",
                help="An installed implementation, in this process.",
                rich_help_panel=IMPLEMENTATION,
            ),
        ] = "",
        suites: Annotated[
            list[SuiteName] | None,
            typer.Option(
                "--suite",
                help="Only this one; repeatable. Default: cover, forbidden; random where not every step is held.",
                rich_help_panel=SUITES,
            ),
        ] = None,
        requirement: Annotated[
            list[str] | None,
            typer.Option("--requirement", metavar="NAME", help="Only this one; repeatable.", rich_help_panel=SUITES),
        ] = None,
        steps: Annotated[
            str,
            typer.Option("--steps", metavar="'STEP; STEP(NODE); ...'", help="Only this run.", rich_help_panel=SUITES),
        ] = "",
        repeat: Annotated[
            int, typer.Option("--repeat", metavar="N", min=1, help="That run, so often.", rich_help_panel=SUITES)
        ] = 1,
        smoke: Annotated[
            bool, typer.Option("--smoke", help="Judge the adapter itself, and stop.", rich_help_panel=SUITES)
        ] = False,
        every: Annotated[
            bool,
            typer.Option(
                "--all",
                help="Forbidden schedules of every combination of axes: many minutes. Default: of the named designs, "
                "and of those one axis away from the default.",
                rich_help_panel=SUITES,
            ),
        ] = False,
        walks: Annotated[
            int, typer.Option("--walks", metavar="N", min=1, help="Random walks.", rich_help_panel=SUITES)
        ] = 300,
        seed: Annotated[int, typer.Option("--seed", metavar="N", help="Of random walks.", rich_help_panel=SUITES)] = 1,
        max_seconds: Annotated[
            str | None,
            typer.Option(
                "--max-seconds", metavar="S", help="For each suite on each structure.", rich_help_panel=SUITES
            ),
        ] = None,
        reply_seconds: Annotated[
            str, typer.Option("--reply-seconds", metavar="S", help="How long a reply may take.")
        ] = "10",
        form: Annotated[ConformFormat, typer.Option("--format", rich_help_panel=OUTPUT)] = ConformFormat.TEXT,
        output: OutputFile = None,
        coverage: Annotated[
            bool, typer.Option("--coverage", help="Also each step of the graph by name.", rich_help_panel=OUTPUT)
        ] = False,
    ) -> int:
        """Test an implementation: force schedules upon it, and judge each requirement by what is seen.

        Exit code: 0 none failed, 1 one failed, 2 bad input or an adapter that fails, 3 one was not reached.
        """
        from sagacheck._conform import Examiner, Plan, Suite
        from sagacheck._conform_report import ConformReport
        from sagacheck._requirements import judge, select_requirements
        from sagacheck._smoke import smoke as judge_adapter

        output = whole_file(output)
        if output is not None:
            refuse_unwritable(output)
        if repeat > 1 and not steps:
            raise InputError(f"--repeat {repeat}: give the run with --steps")
        if smoke and form is not ConformFormat.TEXT:
            raise InputError(f"--format {form.value}: what --smoke says is text only")
        chosen = Chosen(cmd, listen, impl, seconds_of(reply_seconds, "--reply-seconds") or 0.0)
        asked = select_requirements(self._requirements(environment), requirement or ())
        plan = Plan(
            self._structures(structure),
            dict(environment),
            frozenset(Suite(s.value) for s in suites or ()),
            tuple(r.name for r in asked) if requirement else (),
            walks,
            seed,
            seconds_of(max_seconds),
            every,
        )
        with chosen.connected() as conversation:
            if smoke:
                adapter = judge_adapter(self.domain, conversation, plan.environment)
            else:
                hello = conversation.hello()
                with counting("testing") as watch:
                    examiner = Examiner(self.domain, conversation, hello, plan, watch)
                    if steps:
                        _only(examiner, plan, steps, repeat)
                    else:
                        _run(examiner)
        if smoke:  # what is printed before is the implementation's, and goes to standard error
            put(None, lambda terminal: render(adapter.parts(), terminal=terminal))
            if adapter.exit_code == 0:
                tell(f"next: sagacheck conform {chosen.option}")
            return adapter.exit_code
        judged = judge(examiner, asked)
        if steps:  # one run decides nothing but what fails in it
            judged = tuple(j for j in judged if j.failures)
        options = self._options(environment)
        report = ConformReport(examiner, judged, bool(requirement), chosen.option, options, coverage)
        texts: dict[ConformFormat, Callable[[bool], str]] = {
            ConformFormat.TEXT: lambda terminal: render(report.parts(), terminal=terminal),
            ConformFormat.JSON: lambda _: report.json(),
            ConformFormat.JUNIT: lambda _: report.junit(),
        }
        put(output, texts[form])
        return report.exit_code

    def requirements(
        self,
        environment: Mapping[str, str],
        *,
        spec: SpecOption = None,  # noqa: ARG002
    ) -> int:
        """List the requirements, each with its reason, its source, and what stands for it where it cannot be seen."""
        from rich.padding import Padding
        from rich.text import Text

        parts: list[Text | Padding] = []
        for r in self._requirements(environment):
            parts.append(Text(r.name, "bold"))
            lines = [r.claim, f"because {r.because}", f"source: {r.source}"]
            if r.capabilities:
                lines.append(f"for implementations with {' and '.join(r.capabilities)}")
            if r.stands_for:
                lines.append(f"where it cannot be seen, {', '.join(r.stands_for)} stand for it")
            parts += [Padding(Text(line), (0, 0, 0, 2)) for line in lines]
        put(None, lambda terminal: render(parts, terminal=terminal))
        return 0

    def _requirements(self, environment: Mapping[str, str]) -> Sequence[Requirement]:
        from sagacheck._requirements import requirements

        if self.domain.conformance is None:
            raise InputError(f"the specification {self.domain.name} does not say how implementations are tested")
        design = self.domain.design(self.domain.default)
        return requirements(self.domain, self.domain.specify(design.settings, environment))

    def _options(self, environment: Mapping[str, str]) -> str:
        """What a command line needs for the same model, with a blank before each option."""
        usual = {option.name: option.default for option in self.domain.environment}
        given = [("spec", self.selected), *environment.items()]
        return "".join(f" --{name} {shlex.quote(value)}" for name, value in given if value and value != usual.get(name))

    def _structures(self, text: str) -> tuple[str, ...]:
        assert self.domain.conformance is not None
        usual = self.domain.conformance.structures
        return usual if text == " ".join(usual) else (text,)


class Chosen:
    """The implementation that the user selected by one of three options."""

    def __init__(self, cmd: str, listen: str, impl: str, seconds: float) -> None:
        given = {"--cmd": cmd, "--listen": listen, "--impl": impl}
        options = [(name, value) for name, value in given.items() if value]
        if len(options) != 1:
            raise InputError("give one of --cmd COMMAND, --listen ADDRESS and --impl NAME")
        self._name, self._value = options[0]
        self._seconds = seconds

    @property
    def option(self) -> str:
        """As the command line has it."""
        return f"{self._name} {shlex.quote(self._value)}"

    @contextlib.contextmanager
    def connected(self) -> Iterator[Conversation]:
        """A conversation with it. What an implementation in this process prints goes to standard error."""
        from sagacheck._implementation import connected

        try:
            with contextlib.redirect_stdout(sys.stderr), connected(self._factory()) as connection:
                yield Conversation(connection)
        except ImplementationError as error:
            raise ImplementationError(f"{self.option}: {error}") from None

    def _factory(self) -> Callable[[], Connection]:
        from sagacheck._implementation import find_implementation

        if self._name != "--impl":
            from sagacheck._transport import listening, started
        if self._name == "--cmd":
            return lambda: started(self._value, self._seconds)
        if self._name == "--listen":
            return lambda: listening(self._value, self._seconds, tell)
        importable("--impl", self._value, "an implementation")
        return find_implementation(self._value)


def _run(examiner: Examiner) -> None:
    """Run the suites; what was seen before Ctrl-C counts."""
    try:
        examiner.run()
    except KeyboardInterrupt:
        examiner.evidence.stopped.append("interrupted")
    except ImplementationError as error:
        said, line, stderr = str(error).partition("\n")
        raise ImplementationError(f"{said} {examiner.where()}{line}{stderr}") from None


def _only(examiner: Examiner, plan: Plan, text: str, repeat: int) -> None:
    """One run, so often; each must end like the first one."""
    if len(plan.structures) != 1:
        raise InputError(f"--steps: name with --{examiner.domain.structure.name} what they are the steps on")
    steps = _steps(text)
    _refuse_unknown(examiner, steps)
    seen = set()
    for i in range(repeat):
        try:
            play = examiner.once(plan.structures[0], steps)
        except KeyboardInterrupt:
            examiner.evidence.stopped.append("interrupted")
            break
        seen.add((tuple(play.taken), tuple(play.failures), play.reply.outcome))
        if i == 0 and len(play.taken) < len(steps):
            offers = ", ".join(map(str, play.reply.offers)) or "nothing"
            said = f"step {len(play.taken) + 1}, {steps[len(play.taken)]}: {play.reply.outcome}; on offer: {offers}"
            examiner.evidence.stopped.append(said)
    if len(seen) and repeat > 1:
        same = "all alike" if len(seen) == 1 else f"in {len(seen)} different ways"
        tell(f"{examiner.evidence.runs.total()} runs ended {same}")


def _refuse_unknown(examiner: Examiner, steps: Sequence[Offer]) -> None:
    domain = examiner.domain
    (structure,) = examiner.structures
    labels = examiner.arena(structure).ground.structure.labels
    designs = (*domain.designs, *domain.deviations())
    names = {a.name for d in designs for a in domain.specify(d.settings, examiner.environment).actions}
    for offer in steps:
        if offer.step not in names or offer.element not in (None, *labels):
            raise InputError(f"--steps: {offer}: the specification has no such step on {structure}")


def _steps(text: str) -> tuple[Offer, ...]:
    found = []
    for part in text.split(";"):
        if part.strip():
            match = _OFFER.fullmatch(part)
            if match is None:
                raise InputError(f"--steps: {part.strip()!r} is no step; give STEP or STEP(NODE), with ; between them")
            found.append(Offer(match[1], match[2]))
    return tuple(found)
