"""Claims about the published crate steno 0.4.1, tested through the conformance kit by its adapter.

What goes wrong in it goes wrong a hundred times out of a hundred; docs/findings.md has the schedules. And what it does
right passes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sagacheck._conform import Examiner, Plan
from sagacheck._protocol import Conversation, Offer
from sagacheck._requirements import Judgement, judge, requirements
from sagacheck._transport import started
from sagaspec import domain

CRATE = Path(__file__).parent / "steno"
ENVIRONMENT = {option.name: option.default for option in domain.environment}
SPECIFICATION = domain.specify(domain.design(domain.default).settings, ENVIRONMENT)
TIMES = 100


@pytest.fixture(scope="session")
def adapter() -> str:
    """The adapter, built. Without cargo the tests are skipped, but fail where CI=true."""
    if shutil.which("cargo") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("there is no cargo to build the adapter of steno with")
        pytest.skip("there is no cargo to build the adapter of steno with")
    build = ["cargo", "build", "--locked", "--quiet", "--bin", "steno-adapter"]
    built = subprocess.run(build, cwd=CRATE, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return str(CRATE / "target" / "debug" / "steno-adapter")


@pytest.fixture
def conversation(adapter: str) -> Iterator[Conversation]:
    """A new adapter."""
    connection = started(adapter, 30.0)
    yield Conversation(connection)
    connection.close()


def examiner(conversation: Conversation, *structures: str) -> Examiner:
    """One that has run nothing yet."""
    return Examiner(domain, conversation, conversation.hello(), Plan(structures, ENVIRONMENT), lambda *_: None)


def steps_of(text: str) -> tuple[Offer, ...]:
    """Steps as `--steps` takes them."""
    words = (word.strip().removesuffix(")").partition("(") for word in text.split(";"))
    return tuple(Offer(step, node or None) for step, _, node in words)


BEGIN = "start_lands(start); success_lands(start); start_lands(b); start_lands(a); "
UNDO_OF_A = (
    "fail(b); failure_lands(b); take_effect(a); succeed(a); unwinding_lands; success_lands(a); undo_start_lands(a); "
)
BOTH_DONE = "take_effect(a); take_effect(b); succeed(a); succeed(b); success_lands(a); success_lands(b); "

STUCK_TWICE = (
    BEGIN + BOTH_DONE + "start_lands(c); fail(c); failure_lands(c); unwinding_lands; undo_start_lands(b); "
    "undo_start_lands(a); fail_undo(a); fail_undo(b); undo_failure_lands(a); undo_failure_lands(b)"
)
REVISITED = "on a DAG with a transitive edge: a parent that the walk has dealt with"

# what goes wrong: (the requirement, a word of what is wrong, the schedule), on a,b>c but for REVISITED
SCHEDULES = {
    "issue #17 through status: a failure that is recorded and not propagated": (
        "NoPanic",
        "the log copy says Failed",
        BEGIN + "fail(b); ask_status; failure_lands(b)",
    ),
    "issue #17 inside the executor: two failures": (
        "NoPanic",
        "the log copy says Failed",
        BEGIN + "fail(a); fail(b); failure_lands(a); failure_lands(b)",
    ),
    "an undo failure that is recorded and not propagated, through status": (
        "NoPanic",
        "the log copy says UndoFailed",
        BEGIN + UNDO_OF_A + "fail_undo(a); ask_status; undo_failure_lands(a)",
    ),
    "a second undo failure": (
        "NoPanic",
        "stuck routine",
        STUCK_TWICE,
    ),
    "two undo failures in the log": ("Recoverable", "the saga is lost", STUCK_TWICE + "; crash; recover"),
    REVISITED: (
        "NoPanic",
        "already being undone",
        "start_lands(start); success_lands(start); start_lands(a); fail(a); failure_lands(a)",
    ),
    "omicron #10531: a legal log that is refused": (
        "Recoverable",
        "the saga is lost",
        BEGIN + UNDO_OF_A + "crash; recover",
    ),
    "status hangs while a start is written": ("StatusAvailable", "held by a worker", "ask_status"),
    "status hangs while the cached state is written": (
        "StatusAvailable",
        "held by the loop",
        BEGIN + "fail(b); failure_lands(b); ask_status",
    ),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_what_goes_wrong_goes_wrong_every_time(conversation: Conversation, name: str) -> None:
    """A hundred times the same run with the same end."""
    requirement, word, text = SCHEDULES[name]
    examined, steps = examiner(conversation), steps_of(text)
    for _ in range(TIMES):
        play = examined.once("a>b,a>c,b>c" if name == REVISITED else "a,b>c", steps)
        assert tuple(play.taken) == steps
        (failure,) = (f for f in play.failures if f.requirement == requirement)
        assert word in failure.wrong


def test_what_steno_does_right(conversation: Conversation) -> None:
    """The requirements that it passes, those that it fails, and those that its interface does not show."""
    examined = examiner(conversation, "a,b>c", "chain:2")
    examined.run()
    found = judge(examined, requirements(domain, SPECIFICATION))
    by_judgement = {v: {j.requirement.name for j in found if j.judgement is v} for v in Judgement}
    assert by_judgement == {
        Judgement.FAILED: {"NoPanic", "Recoverable", "StatusAvailable", "Refinement"},
        Judgement.NOT_OBSERVABLE: {"NoTornState", "SingleWriter", "Bookkeeping"},
        Judgement.NOT_REACHED: set(),
        Judgement.NOT_SUPPORTED: set(),
        Judgement.PASSED: {r.name for r in requirements(domain, SPECIFICATION)}
        - {"NoPanic", "Recoverable", "StatusAvailable", "Refinement"}
        - {"NoTornState", "SingleWriter", "Bookkeeping"},
    }


def test_the_random_walks_find_every_known_panic(conversation: Conversation) -> None:
    """Nobody has to know the schedules: the kit finds them, and makes them as short as they can be."""
    examined = examiner(conversation, "a,b>c")
    examined.run()
    wrong = {f.wrong for f in examined.evidence.failures.values() if f.requirement == "NoPanic"}
    for word in ("the log copy says Failed", "the log copy says UndoFailed", "stuck routine"):
        assert any(word in text for text in wrong), word
