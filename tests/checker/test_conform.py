"""The commands conform and requirements: verdicts, exit codes, formats, refusals, without sagas."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

import pytest
from jsonschema import Draft202012Validator
from test_force import Faithful

import mutex
from command_line import MUTEX, Run, process, refused
from sagacheck import Specification
from sagacheck._beliefs import Beliefs
from sagacheck._ground import GroundSpecification
from sagacheck._monitor import Monitor
from sagacheck._protocol import Conversation, Offer
from sagacheck._schema import schema
from sagacheck._shown import Knowledge, Reader

HERE = "--impl=test_conform:"


class Atomic(Faithful):
    """The lock that is taken in one step: what the default design is."""

    @staticmethod
    def specification() -> Specification:
        """What it implements."""
        return mutex.specification(True)

    def hello(self) -> dict[str, Any]:
        """It can leave."""
        return {**super().hello(), "capabilities": ["leaving"]}


class TwoSteps(Faithful):
    """The lock that is taken in two steps."""

    def hello(self) -> dict[str, Any]:
        """It can leave."""
        return {**super().hello(), "capabilities": ["leaving"]}


class Blind(TwoSteps):
    """Does not show where processes are."""

    def hello(self) -> dict[str, Any]:
        """It shows the lock."""
        return {**super().hello(), "shows": ["locked"]}

    def state(self) -> dict[str, Any]:
        """The lock."""
        return {"locked": super().state()["locked"], "pc": None}


class Stays(Atomic):
    """Nobody ever leaves, and it does not say so."""

    def offers(self) -> dict[tuple[str, str | None], int]:
        """Who is inside stays."""
        return {offer: i for offer, i in super().offers().items() if offer[0] != "leave"}


class StaysAndSaysSo(Stays):
    """Nobody ever leaves, and it does not claim otherwise."""

    def hello(self) -> dict[str, Any]:
        """It cannot leave."""
        return {**super().hello(), "capabilities": []}


class Leaks(Atomic):
    """Shows the lock as free while somebody is inside."""

    def state(self) -> dict[str, Any]:
        """The lock is always free."""
        return {**super().state(), "locked": False}


class Declines(Atomic):
    """Cannot have three processes."""

    def ask(self, message: Mapping[str, Any]) -> Any:
        """Answer, but for three."""
        if message["command"] == "load" and len(message["labels"]) > 2:
            return {"outcome": "not supported", "reason": "two are enough", "offers": [], "state": {}}
        return super().ask(message)


class Dies(Atomic):
    """Fails at a step that comes late."""

    def take(self, step: str, node: str | None) -> bool:
        """Take a step, but not every one."""
        if (step, node) == ("leave", "b"):
            raise OSError("no more")
        return super().take(step, node)


class Changes(Atomic):
    """Is not the same twice."""

    runs = 0

    def ask(self, message: Mapping[str, Any]) -> Any:
        """Answer; every other run b never gets the lock."""
        type(self).runs += message["command"] == "load"
        return super().ask(message)

    def offers(self) -> dict[tuple[str, str | None], int]:
        """What is possible, mostly."""
        return {o: i for o, i in super().offers().items() if o[1] != "b" or type(self).runs % 2}


def verdicts(run: Run, implementation: str, *arguments: str) -> dict[str, str]:
    """Requirement -> judgement."""
    code, out, _ = run(MUTEX, "conform", f"{HERE}{implementation}", "--format", "json", *arguments)
    report = json.loads(out)
    Draft202012Validator(schema("conform")).validate(report)
    assert code == report["exit_code"]
    return {r["name"]: r["judgement"] for r in report["requirements"]} | {"exit": str(code)}


PASSED = {"MutualExclusion": "passed", "FirstEnters": "passed", "Refinement": "passed", "exit": "0"}


def test_an_implementation_that_is_the_specification_passes(run: Run) -> None:
    """Every requirement; every step of the graph is taken."""
    assert verdicts(run, "Atomic") == PASSED
    code, out, err = run(MUTEX, "conform", f"{HERE}Atomic", "--coverage")
    assert (code, err) == (0, "")
    assert "100.0%" in out
    assert "test-and-set" not in out


def test_a_race_is_found_with_the_shortest_run(run: Run) -> None:
    """The report prints the run, what is wrong, and a command that makes just that run."""
    code, out, _ = run(MUTEX, "conform", f"{HERE}TwoSteps", "--requirement", "MutualExclusion")
    assert code == 1
    assert "MutualExclusion fails on 2 after 4 steps" in out
    assert "a is not alone inside" in out
    (again,) = (line for line in out.splitlines() if line.startswith("again: "))
    made = shlex.split(again)[1:]
    assert made[1:] == ["conform", "--impl", "test_conform:TwoSteps", "--spec", "mutex:domain", "--processes", "2",
                        "--steps", "look(a); look(b); take(a); take(b)"]  # fmt: skip
    assert run(*made[1:])[0] == 1
    code, out, _ = run(MUTEX, "conform", f"{HERE}TwoSteps", "--processes", "2",
                       "--steps", "look(a); look(b); take(a); take(b)", "--repeat", "100")  # fmt: skip
    assert code == 1


def test_a_hundred_runs_are_alike(run: Run) -> None:
    """The command says so; of an implementation that is not the same twice it says that too."""
    given = ("--processes", "2", "--steps", "look(b); leave(b)", "--repeat", "100")
    assert "100 runs ended all alike" in run(MUTEX, "conform", f"{HERE}Atomic", *given)[2]
    assert "100 runs ended in 2 different ways" in run(MUTEX, "conform", f"{HERE}Changes", *given)[2]


def test_what_is_hidden_is_not_passed(run: Run) -> None:
    """Who does not show where processes are has the race all the same, and nobody can tell."""
    found = verdicts(run, "Blind", "--requirement", "MutualExclusion")
    assert found == {"MutualExclusion": "not observable", "exit": "3"}
    assert verdicts(run, "Blind")["MutualExclusion"] == "not observable"


class ShowsNothingThatMatters(TwoSteps):
    """Says that it shows where processes are, and never does."""

    def state(self) -> dict[str, Any]:
        """The lock."""
        return {**super().state(), "pc": None}


def test_what_is_declared_but_never_shown_is_not_passed(run: Run) -> None:
    """What could have been seen is judged by what was shown, not by what was promised."""
    assert verdicts(run, "ShowsNothingThatMatters")["MutualExclusion"] == "not observable"


class Idle(Atomic):
    """Can be made to take no step."""

    def hello(self) -> dict[str, Any]:
        """Everything happens on its own, or so it says."""
        return {**super().hello(), "steps": [], "internal": ["look", "leave"]}


class Ghost(Atomic):
    """Offers a step that there is not."""

    def offers(self) -> dict[tuple[str, str | None], int]:
        """Only that."""
        return {("teleport", None): 0}


def test_where_no_step_was_taken_nothing_has_passed(run: Run) -> None:
    """A test in which nothing happens says nothing."""
    assert "passed" not in verdicts(run, "Idle").values()


class NeverComes(Atomic):
    """Lets go of whoever is asked for, who comes nowhere."""

    def ask(self, message: Mapping[str, Any]) -> Any:
        """Answer."""
        reply = super().ask(message)
        return {**reply, "outcome": "not reached"} if message["command"] == "step" else reply


def test_smoke_ends_where_nobody_comes_to_anything(run: Run) -> None:
    """And says so."""
    code, out, _ = run(MUTEX, "conform", f"{HERE}NeverComes", "--smoke")
    assert code == 1
    assert "is not reached, though it was on offer" in out


def test_a_step_that_must_have_an_answer_is_missed(run: Run) -> None:
    """Its refusal violates the property that demands it, and coming to a standstill violates another."""
    found = verdicts(run, "Stays")
    assert (found["FirstEnters"], found["exit"]) == ("failed", "1")
    assert found["MutualExclusion"] == "passed"


def test_what_a_capability_rules_out_does_not_count(run: Run) -> None:
    """Without the capability the step is not asked for, and its absence is no failure of what is left."""
    found = verdicts(run, "StaysAndSaysSo", "--requirement", "MutualExclusion")
    assert found == {"MutualExclusion": "passed", "exit": "0"}


def test_a_state_that_nothing_explains_shows_both_sides(run: Run) -> None:
    """What the specification has there, and what the implementation shows."""
    code, out, _ = run(MUTEX, "conform", f"{HERE}Leaks", "--requirement", "Refinement")
    assert code == 1
    assert "Refinement fails on 2 after 1 step" in out
    (row,) = (line.split() for line in out.splitlines() if line.startswith("locked"))
    assert row == ["locked", "True", "False"]


def test_a_structure_that_is_not_supported_is_left_out(run: Run) -> None:
    """With the reason; what is supported counts."""
    code, out, _ = run(MUTEX, "conform", f"{HERE}Declines")
    assert code == 0
    assert "3: two are enough" in out
    found = verdicts(run, "Declines", "--processes", "3")
    assert (set(found.values()), found["exit"]) == ({"not reached", "3"}, "3")


def test_an_implementation_that_fails_is_one_sentence_with_the_run(run: Run) -> None:
    """So that somebody can see it fail again."""
    result = run(MUTEX, "conform", f"{HERE}Dies", "--suite", "cover")
    refused(result, "its reply to step leave(b) fails with OSError: no more", "(on 2, after the steps: look(a); ")


def test_junit(run: Run) -> None:
    """A test case for each requirement; a failure has the command that makes it again."""
    code, out, _ = run(MUTEX, "conform", f"{HERE}TwoSteps", "--format", "junit")
    suite = ElementTree.fromstring(out)
    assert code == 1
    assert (suite.get("tests"), suite.get("failures")) == ("3", "2")
    failed = {case.get("name"): case.find("failure") for case in suite if case.find("failure") is not None}
    assert "--steps" in failed["MutualExclusion"].text
    skipped = ElementTree.fromstring(run(MUTEX, "conform", f"{HERE}Blind", "--format", "junit")[1])
    messages = [s.get("message", "") for s in skipped.iter("skipped")]
    assert any(m.startswith("not observable") for m in messages)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), ("give one of --cmd COMMAND, --listen ADDRESS and --impl NAME",)),
        ((f"{HERE}Atomic", "--cmd", "x"), ("give one of --cmd COMMAND",)),
        ((f"{HERE}Nobody",), ("--impl test_conform:Nobody", "importing it fails")),
        ((f"{HERE}Atomic", "--requirement", "Speed"), ("--requirement Speed", "there are MutualExclusion")),
        ((f"{HERE}Atomic", "--steps", "look(a)"), ("--steps: name with --processes",)),
        ((f"{HERE}Atomic", "--processes", "2", "--steps", "look a"), ("--steps: 'look a' is no step",)),
        ((f"{HERE}Atomic", "--processes", "2", "--steps", "lok(a)"), ("lok(a): the specification has no such step",)),
        ((f"{HERE}Atomic", "--processes", "2", "--steps", "look(z)"), ("look(z): the specification has no such",)),
        ((f"{HERE}Atomic", "--repeat", "3"), ("--repeat 3: give the run with --steps",)),
        ((f"{HERE}Ghost", "--processes", "2"), ("its reply to load offers teleport, which is no step",)),
        ((f"{HERE}Atomic", "--smoke", "--format", "json"), ("--format json: what --smoke says is text only",)),
        ((f"{HERE}Atomic", "--reply-seconds", "soon"), ("--reply-seconds soon: give a number of seconds",)),
        ((f"{HERE}Atomic", "--processes", "many"), ("--processes many: give a number",)),
        (("--cmd", "no-such-program-anywhere"), ("no-such-program-anywhere",)),
    ],
)
def test_bad_input_is_one_sentence(run: Run, arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    """Exit code 2, and what to do."""
    refused(run(MUTEX, "conform", *arguments), *words)


def test_a_run_without_a_step_can_be_made_again(run: Run) -> None:
    """What is wrong from the beginning has a command that shows it."""
    code, out, _ = run(MUTEX, "conform", f"{HERE}Inside", "--processes", "2", "--requirement", "Refinement")
    assert code == 1
    assert "Refinement fails on 2 after 0 steps" in out
    assert "--steps ';'" in out
    assert run(MUTEX, "conform", f"{HERE}Inside", "--processes", "2", "--steps", ";")[0] == 1


class Inside(Atomic):
    """Begins with the lock taken."""

    def state(self) -> dict[str, Any]:
        """The lock is always taken."""
        return {**super().state(), "locked": True}


def test_a_step_that_is_not_taken_is_told(run: Run) -> None:
    """With what is on offer instead; a run that was not made to its end has not passed."""
    code, out, _ = run(MUTEX, "conform", f"{HERE}Atomic", "--processes", "2", "--steps", "look(a); look(b)")
    assert code == 3
    assert "step 2, look(b): refused; on offer: leave(a)" in out


def test_smoke_judges_the_adapter(run: Run) -> None:
    """A good one is fine; one that declares what there is not, or is not the same twice, is to be mended."""
    code, out, _ = run(MUTEX, "conform", f"{HERE}Atomic", "--smoke")
    assert (code, "no such name" in out) == (0, False)
    code, out, _ = run(MUTEX, "conform", f"{HERE}Misspelt", "--smoke")
    assert code == 1
    assert "lok: the specification has no such name" in out
    code, out, _ = run(MUTEX, "conform", f"{HERE}Changes", "--smoke")
    assert code == 1
    assert "nothing can be shown again" in out


class Misspelt(Atomic):
    """Declares a variable that there is not."""

    def hello(self) -> dict[str, Any]:
        """With a slip."""
        return {**super().hello(), "shows": ["pc", "lok"]}


def test_requirements_are_listed(run: Run) -> None:
    """Each with its reason and source."""
    code, out, _ = run(MUTEX, "requirements")
    assert code == 0
    assert "MutualExclusion" in out
    assert "because it is what a lock is for" in out
    refused(run("--spec=oddities:domain", "conform"), "No such command 'conform'")


def test_interrupted_it_says_what_was_seen() -> None:
    """Ctrl-C ends the test; what was found by then is reported, and the exit code is not 0."""
    ended = process(MUTEX, "conform", f"{HERE}Interrupts")
    assert ended.returncode == 3, ended.stderr
    assert "interrupted" in ended.stdout


class Interrupts(Atomic):
    """The user presses Ctrl-C at some step."""

    asked = 0

    def take(self, step: str, node: str | None) -> bool:
        """Take a step."""
        type(self).asked += 1
        if type(self).asked == 10:
            raise KeyboardInterrupt
        return super().take(step, node)


# Beliefs and monitors -------------------------------------------------------------------------------------------------


def test_a_belief_has_every_state_that_steps_on_their_own_lead_to() -> None:
    """Who cannot be held at `take` may have taken the lock, or not yet; what is shown tells."""

    class Loose(TwoSteps):
        def hello(self) -> dict[str, Any]:
            return {**super().hello(), "steps": ["look", "leave"], "internal": ["take"]}

    ground = GroundSpecification(mutex.specification(False), mutex.domain.load("2", {}))
    hello = Conversation(Loose()).hello()
    beliefs = Beliefs(ground, hello)
    looked = beliefs.after(beliefs.initial, Offer("look", "a"))
    assert (len(beliefs.initial), len(looked)) == (1, 2)
    assert beliefs.possible(looked) == {Offer("look", "b"): 1, Offer("leave", "a"): 1}
    reader = Reader(ground)
    taken = beliefs.seen(looked, reader.read({"locked": True}, ""))
    assert len(taken) == 1
    assert not beliefs.seen(taken, reader.read({"pc": {"a": "TRYING", "b": None}}, ""))
    assert not beliefs.after(taken, Offer("look", "b"))


def test_a_monitor_accuses_nobody_of_what_it_could_not_see() -> None:
    """Two inside are a breach, for each; one inside, and one who is not shown, are none."""
    ground = GroundSpecification(mutex.specification(False), mutex.domain.load("3", {}))
    monitor = Monitor(ground)

    def breaches(a: str | None, b: str | None, c: str | None) -> list[str]:
        shown = monitor.reader.read({"pc": {"a": a, "b": b, "c": c}}, "")
        return [x.element for x in monitor.breaches(shown)]

    assert breaches("INSIDE", "INSIDE", None) == ["a", "b"]
    assert breaches("INSIDE", None, "IDLE") == []
    assert breaches(None, None, None) == []
    assert list(monitor.breaches(Knowledge(0, 0))) == []
