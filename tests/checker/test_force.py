"""Forcing a trace upon an implementation: what comes of faithful ones, of other ones, and of ones that talk nonsense.

The implementations are small classes over the toy specifications; `Faithful` runs the specification itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

import mutex
import oddities
import sagacheck
from sagacheck import (
    Difference,
    Domain,
    Ending,
    Forced,
    GroundSpecification,
    ImplementationError,
    InputError,
    Offer,
    Outcome,
    Specification,
    Structure,
    check,
    connected,
    find_implementation,
    force,
)
from sagacheck._engine import Successors
from sagacheck._implementation import default_implementation, implementations
from sagacheck._itf import values_of
from sagacheck._model import Model

Message = Mapping[str, Any]


class Faithful:
    """The lock that is taken in two steps, as the specification has it."""

    internal: Sequence[str] = ()
    closed = False

    @staticmethod
    def specification() -> Specification:
        """What it implements."""
        return mutex.specification(False)

    @staticmethod
    def structure(labels: tuple[str, ...]) -> Structure:
        """On what it runs."""
        return Structure("", labels)

    def ask(self, message: Message) -> Any:
        """Answer a message."""
        if message["command"] == "hello":
            return self.hello()
        if message["command"] == "load":
            self.ground = GroundSpecification(self.specification(), self.structure(tuple(message["labels"])))
            self.successors = Successors(self.ground)
            self.now = self.ground.initial
            return self.seen("taken")
        offer = (message["step"], message["node"])
        return self.seen("taken" if self.take(*offer) else "refused")

    def close(self) -> None:
        """End the conversation."""
        self.closed = True

    def hello(self) -> dict[str, Any]:
        """What it says of itself."""
        names = [a.name for a in self.specification().actions]
        return {
            "protocol": 1,
            "implementation": "toy",
            "version": "1",
            "language": "Python",
            "capabilities": [],
            "steps": names,
            "internal": list(self.internal),
            "shows": [v.name for v in self.specification().variables],
        }

    def offers(self) -> dict[tuple[str, str | None], int]:
        """The steps that are possible now."""
        steps = [self.ground.steps[i] for i in self.successors.enabled(self.now)]
        labels = self.ground.structure.labels
        return {(s.action.name, labels[s.elements[0]] if s.elements else None): s.index for s in steps}

    def take(self, step: str, node: str | None) -> bool:
        """Take a step, if it is possible."""
        index = self.offers().get((step, node))
        if index is not None:
            self.now = self.successors.after(index, self.now)
        return index is not None

    def seen(self, outcome: str) -> dict[str, Any]:
        """A reply."""
        offers = [{"step": step, "node": node} for step, node in self.offers()]
        return {"outcome": outcome, "offers": offers, "state": self.state()}

    def state(self) -> dict[str, Any]:
        """What it shows."""
        return dict(values_of(self.ground, self.now))


class Atomic(Faithful):
    """The lock that is taken in one step."""

    @staticmethod
    def specification() -> Specification:
        """What it implements."""
        return mutex.specification(True)


class Refuses(Faithful):
    """Takes the lock only when nobody has it."""

    def offers(self) -> dict[tuple[str, str | None], int]:
        """Nobody takes a lock that is taken."""
        locked = values_of(self.ground, self.now)["locked"]
        return {offer: i for offer, i in super().offers().items() if not (locked and offer[0] == "take")}


class Diverges(Faithful):
    """Forgets to mark the lock as taken."""

    def state(self) -> dict[str, Any]:
        """The lock is always free."""
        return {**super().state(), "locked": False}


class BeginsElsewhere(Faithful):
    """Begins with the lock taken."""

    def state(self) -> dict[str, Any]:
        """The lock is never free."""
        return {**super().state(), "locked": True}


class NeverComes(Faithful):
    """Whoever is to take the lock is late."""

    def ask(self, message: Message) -> Any:
        """Answer a message."""
        if message.get("step") == "take":
            return self.seen("not reached")
        return super().ask(message)


class HidesAndIsLate(NeverComes):
    """And nobody sees who."""

    def state(self) -> dict[str, Any]:
        """The lock."""
        return {"locked": super().state()["locked"]}


class Hides(Faithful):
    """Does not show the lock."""

    def state(self) -> dict[str, Any]:
        """Where the processes are, and what the specification does not have."""
        return {"pc": super().state()["pc"], "lock": None}


class HidesProcesses(Faithful):
    """Shows the lock only, and that only at first."""

    def state(self) -> dict[str, Any]:
        """The lock, or nothing."""
        return {"locked": False} if self.now == self.ground.initial else {}


class HidesAll(Faithful):
    """Shows nothing."""

    def state(self) -> dict[str, Any]:
        """Nothing."""
        return {}


class Coarse(Faithful):
    """Takes the lock within the step before, for whoever has seen it free, once two have."""

    internal = ("take",)

    def take(self, step: str, node: str | None) -> bool:
        """Take a step, and what is within it."""
        taken = super().take(step, node)
        inside = [o for o in self.offers() if o[0] == "take"]
        for offer in inside if len(inside) > 1 else ():
            super().take(*offer)
        return taken


class Raises(Faithful):
    """Has a bug in its second step."""

    asked = 0

    def ask(self, message: Message) -> Any:
        """Answer a message."""
        self.asked += 1
        if self.asked == 4:
            raise ZeroDivisionError("division by zero\nin the second step")
        return super().ask(message)


class Exits(Faithful):
    """Ends the process when it is loaded."""

    def ask(self, message: Message) -> Any:
        """Answer a message."""
        if message["command"] == "load":
            raise SystemExit
        return super().ask(message)


class Silent(Faithful):
    """Forgets to reply."""

    def ask(self, message: Message) -> Any:
        """Answer a message."""
        super().ask(message) if message["command"] != "hello" else None


class CannotClose(Faithful):
    """Cannot be ended."""

    def close(self) -> None:
        """End the conversation."""
        raise OSError("it goes on")


class CannotBegin(Faithful):
    """Cannot be begun."""

    def __init__(self) -> None:
        raise FileNotFoundError("no such executor")


class Interrupted(Faithful):
    """The user presses Ctrl-C in its third step."""

    asked = 0

    def ask(self, message: Message) -> Any:
        """Answer a message."""
        self.asked += 1
        if self.asked == 5:
            raise KeyboardInterrupt
        return super().ask(message)


class Sleeps(Faithful):
    """Never ends its first step, and prints what it does."""

    def take(self, step: str, node: str | None) -> bool:  # noqa: ARG002
        """Sleep."""
        print("sleeping", flush=True)  # noqa: T201
        time.sleep(100)
        return True


class Odd(Faithful):
    """Jobs, of which nothing happens in the end."""

    @staticmethod
    def specification() -> Specification:
        """What it implements."""
        return oddities.domain.specify({"ending": "still"}, {"odd-option": "yes"})


class OddRound(Faithful):
    """Jobs, and a lamp that is switched for ever."""

    @staticmethod
    def specification() -> Specification:
        """What it implements."""
        return oddities.domain.specify({"ending": "round"}, {"odd-option": "yes"})


class OddHides(OddRound):
    """Shows how far the jobs are, and how many are noted, only while the lamp is off."""

    hidden: Sequence[str] = ("phase", "count")

    def state(self) -> dict[str, Any]:
        """Everything but what is hidden."""
        seen = super().state()
        return {name: value for name, value in seen.items() if not (seen["lamp"] and name in self.hidden)}


class OddHidesLamp(OddHides):
    """Shows the lamp only when it is off."""

    hidden = ("lamp",)


class OddHidesLampAndCount(OddHides):
    """Shows neither the lamp nor how many jobs are noted while the lamp is on."""

    hidden = ("lamp", "count")


class OddHidesBefore(OddRound):
    """Shows the lamp only when all jobs are done, which is where it is switched."""

    def state(self) -> dict[str, Any]:
        """The lamp in the loop only."""
        seen = super().state()
        if seen["phase"] != {"a": "DONE", "b": "DONE"}:
            del seen["lamp"]
        return seen


NO_CONNECTION = 5
NOTHING_TO_ASK = dict


def counterexample(domain: Domain, structure: str, name: str, **changes: str) -> tuple[Model, Outcome]:
    """A model, and the shortest counterexample to a property."""
    environment = {o.name: o.default for o in domain.environment}
    model = Model(domain, None, domain.design(domain.default, changes), structure, environment)
    return model, check(model.specification(), model.load(), properties=[name]).of(name)


def forced(connection: Any, watch: Callable[[int], None] = lambda _: None) -> Forced:
    """The counterexample to mutual exclusion, look(a) look(b) take(a) take(b), forced upon an implementation."""
    model, outcome = counterexample(mutex.domain, "3", "MutualExclusion", taking="two-steps")
    assert outcome.trace is not None
    assert [s.name for s in outcome.trace.steps] == ["look(a)", "look(b)", "take(a)", "take(b)"]
    return force(outcome.trace, model.environment, connection, watch)


# Endings --------------------------------------------------------------------------------------------------------------


def test_an_implementation_that_is_the_specification_follows_to_the_end() -> None:
    """Every variable is compared in every state: three processes and a lock, five times."""
    found = forced(Faithful())
    assert (found.ending, found.at, found.step, found.differences) == (Ending.FOLLOWED, 4, None, ())
    assert (found.seen, found.never, found.shown) == (20, (), {"pc", "locked"})
    assert (found.implementation, found.language) == ("toy", "Python")
    assert found.offers == (Offer("leave", "a"), Offer("leave", "b"))


def test_a_step_that_is_not_on_offer_is_refused() -> None:
    """The step, how many came before it, and what was on offer instead; nothing was compared after it."""
    found = forced(Refuses())
    assert (found.ending, found.at, found.declared) == (Ending.REFUSED, 3, True)
    assert found.step is not None
    assert found.step.name == "take(b)"
    assert [str(o) for o in found.offers] == ["leave(a)"]
    assert found.seen == 16


def test_a_step_that_an_implementation_does_not_have_is_refused_without_asking() -> None:
    """An implementation that takes the lock in one step has no step `take`; it is compared until then."""

    class AtomicOnPaper(Atomic):
        def state(self) -> dict[str, Any]:
            return {}

        def take(self, step: str, node: str | None) -> bool:  # noqa: ARG002
            assert step != "take"
            return True

    found = forced(AtomicOnPaper())
    assert (found.ending, found.at, found.declared) == (Ending.REFUSED, 2, False)


def test_a_state_that_is_another_one_diverges_with_every_difference() -> None:
    """The implementation is followed until it differs; what differs has both sides."""
    found = forced(Atomic())
    assert (found.ending, found.at) == (Ending.DIVERGED, 0)
    assert found.step is not None
    assert found.step.name == "look(a)"
    assert found.differences == (Difference("pc", "a", "TRYING", "INSIDE"), Difference("locked", "", False, True))
    late = forced(Diverges())
    assert (late.ending, late.at, late.differences) == (Ending.DIVERGED, 2, (Difference("locked", "", True, False),))


def test_a_beginning_that_is_another_one_diverges_at_no_step() -> None:
    """Not at the first step, which is never asked for."""
    found = forced(BeginsElsewhere())
    assert (found.ending, found.at, found.step) == (Ending.DIVERGED, 0, None)


def test_a_step_that_nobody_comes_to_is_not_reached() -> None:
    """It was on offer."""
    found = forced(NeverComes())
    assert (found.ending, found.at) == (Ending.NOT_REACHED, 2)
    assert Offer("take", "a") in found.offers


def test_only_what_both_have_is_compared_and_what_never_was_is_named() -> None:
    """A variable that is not shown counts as neither alike nor different; one that nobody knows is passed over."""
    found = forced(Hides())
    assert (found.ending, found.seen, found.never, found.shown) == (Ending.FOLLOWED, 15, ("locked",), {"pc"})
    once = forced(HidesProcesses())
    assert (once.seen, once.never, once.shown) == (1, ("pc",), frozenset())
    assert (forced(HidesAll()).seen, forced(HidesAll()).never) == (0, ("pc", "locked"))


@pytest.mark.parametrize("value", ["1", 1, "True"])
def test_values_of_different_kinds_are_different(value: object) -> None:
    """Neither 1 nor a text is true."""

    class Kinds(Faithful):
        def state(self) -> dict[str, Any]:
            seen = super().state()
            return {**seen, "locked": value if seen["locked"] else False}

    assert forced(Kinds()).differences == (Difference("locked", "", True, value),)  # type: ignore[arg-type]


def test_internal_steps_happen_within_the_step_before_them() -> None:
    """They are not asked for, and the states are compared after the last one of a run of them."""
    found = forced(Coarse())
    assert (found.ending, found.at, found.seen) == (Ending.FOLLOWED, 4, 12)

    class Forgets(Coarse):
        def take(self, step: str, node: str | None) -> bool:
            return Faithful.take(self, step, node)

    late = forced(Forgets())
    assert (late.ending, late.at) == (Ending.DIVERGED, 3)
    assert late.step is not None
    assert late.step.name == "take(b)"


def test_what_is_internal_from_the_beginning_happens_when_it_is_loaded() -> None:
    """A first step that is internal is no reason to diverge in the beginning."""

    class Begun(Faithful):
        internal = ("look",)

        def ask(self, message: Message) -> Any:
            reply = super().ask(message)
            if message["command"] != "load":
                return reply
            for node in message["labels"][:2]:
                self.take("look", node)
            return self.seen("taken")

    assert forced(Begun()).ending is Ending.FOLLOWED


def test_a_loop_is_followed_once_round() -> None:
    """To the last state, which is the one it returns to; what one of the loop hides is not shown, one before may."""
    model, outcome = counterexample(oddities.domain, "a,b", "Restarted", ending="round")
    assert outcome.trace is not None
    assert (outcome.trace.loop, len(outcome.trace.steps)) == (4, 6)
    found = force(outcome.trace, model.environment, OddRound())
    assert (found.ending, found.at, found.seen) == (Ending.FOLLOWED, 6, 49)
    assert "lamp" in found.shown
    assert "lamp" not in force(outcome.trace, model.environment, OddHidesLamp()).shown
    assert "lamp" in force(outcome.trace, model.environment, OddHidesBefore()).shown


def test_every_step_that_is_followed_is_told_at_once() -> None:
    """So that an interruption can say how far it got; nothing is told of the step that failed."""
    told: list[int] = []
    forced(Refuses(), told.append)
    assert told == [0, 1, 2, 3]
    with pytest.raises(KeyboardInterrupt):
        forced(Interrupted(), told.append)
    assert told[4:] == [0, 1, 2]


def test_the_message_has_what_an_implementation_needs() -> None:
    """The structure's document, labels and predicates, and the environment; a step without an element has none."""
    messages: list[Message] = []

    class Listens(OddRound):
        def ask(self, message: Message) -> Any:
            messages.append(message)
            return super().ask(message)

    model, outcome = counterexample(oddities.domain, "a,b", "Restarted", ending="round")
    assert outcome.trace is not None
    structure = Structure("s", ("a", "b"), predicates={"may": (True, False)}, document={"some": "thing"})
    trace = sagacheck.Trace(
        GroundSpecification(model.specification(), structure), outcome.trace.states, outcome.trace.steps
    )
    force(trace, model.environment, Listens())
    assert messages[:3] == [
        {"command": "hello", "protocol": 1},
        {
            "command": "load",
            "document": {"some": "thing"},
            "labels": ["a", "b"],
            "relations": {},
            "predicates": {"may": [True, False]},
            "environment": {"odd-option": "yes"},
        },
        {"command": "step", "step": "begin", "node": "a"},
    ]
    assert messages[-1] == {"command": "step", "step": "switch", "node": None}


# Nonsense -------------------------------------------------------------------------------------------------------------

Change = Callable[[dict[str, Any]], Any]


class Changed(Faithful):
    """Faithful, but for its reply to one command."""

    def __init__(self, command: str, change: Change) -> None:
        self.command, self.change = command, change

    def ask(self, message: Message) -> Any:
        """Answer a message."""
        reply = super().ask(message)
        if message["command"] != self.command:
            return reply
        changed = self.change(reply)
        return reply if changed is reply else changed


def put(key: str, value: object) -> Change:
    """Put a value into the reply."""
    return lambda reply: {**reply, key: value}


def without(key: str) -> Change:
    """Leave out a key of the reply."""
    return lambda reply: {k: v for k, v in reply.items() if k != key}


def show(variable: str, value: object) -> Change:
    """Show a variable as something else."""
    return lambda reply: {**reply, "state": {**reply["state"], variable: value}}


NONSENSE: list[tuple[str, Change, str]] = [
    ("hello", lambda _: None, "its reply to hello is None, which is no object"),
    ("load", lambda _: None, "its reply to load is None, which is no object"),
    ("step", lambda _: None, "its reply to step look(a) is None, which is no object"),
    ("step", lambda _: "taken", "its reply to step look(a) is 'taken', which is no object"),
    ("step", lambda _: [1] * 1000, "its reply to step look(a) is [1, 1, 1, 1, 1, 1, ...], which is no object"),
    (
        "hello",
        without("implementation"),
        'its reply to hello is not as the protocol has it: "implementation" is a requi',
    ),
    ("hello", without("language"), '"language" is a required property'),
    ("hello", without("protocol"), '"protocol" is a required property'),
    ("hello", without("steps"), '"steps" is a required property'),
    ("hello", without("internal"), '"internal" is a required property'),
    ("hello", without("shows"), '"shows" is a required property'),
    ("hello", put("implementation", 5), "at ['implementation']: 5 is not of type \"string\""),
    ("hello", put("protocol", "1"), 'at [\'protocol\']: "1" is not of type "integer"'),
    ("hello", put("protocol", True), "at ['protocol']: true is not of type \"integer\""),
    ("hello", put("protocol", 2), "it speaks version 2 of the protocol, this is version 1"),
    ("hello", put("steps", "look"), 'at [\'steps\']: "look" is not of type "array"'),
    ("hello", put("steps", ["look", 5]), "at ['steps'][1]: 5 is not of type \"string\""),
    ("hello", put("internal", [["look"]]), "at ['internal'][0]"),
    ("hello", put("waits", ["sleep"]), "its reply to hello has sleep among 'waits', but not among 'steps'"),
    ("hello", put("mood", "good"), "Additional properties are not allowed ('mood' was unexpected)"),
    ("load", without("outcome"), 'its reply to load is not as the protocol has it: "outcome" is a required property'),
    ("load", put("outcome", "refused"), '"refused" is not one of "taken" or "not supported"'),
    ("load", put("outcome", "not supported"), "it does not support"),
    ("step", without("outcome"), 'its reply to step look(a) is not as the protocol has it: "outcome" is a required'),
    ("step", without("offers"), '"offers" is a required property'),
    ("step", without("state"), '"state" is a required property'),
    ("step", put("outcome", None), "at ['outcome']: null is not one of"),
    ("step", put("outcome", "done"), "at ['outcome']: \"done\" is not one of"),
    ("step", put("outcome", "pending"), "its reply to step look(a) is that it is pending, but it is none of 'waits'"),
    ("step", put("state", {1: 2}), "its reply to step look(a) is no JSON"),
    ("step", lambda _: {"error": "no more"}, "its reply to step look(a) is an error: no more"),
    ("step", put("outcome", "refused"), "it refuses look(a), which it had just offered"),
    ("step", put("offers", {}), "at ['offers']: {} is not of type \"array\""),
    ("step", put("offers", ["look(a)"]), 'at [\'offers\'][0]: "look(a)" is not of type "object"'),
    ("step", put("offers", [{"node": "a"}]), "at ['offers'][0]: \"step\" is a required property"),
    ("step", put("offers", [{"step": "look"}]), "at ['offers'][0]: \"node\" is a required property"),
    ("step", put("offers", [{"step": "look", "node": 0}]), "at ['offers'][0]['node']: 0 is not of"),
    ("step", put("state", []), "at ['state']: [] is not of type \"object\""),
    ("step", show("locked", {"a": True}), "after step 1, look(a), it shows locked for each process"),
    ("step", show("locked", 1.5), "at ['state']['locked']: 1.5 is not valid"),
    ("step", show("pc", "IDLE"), "after step 1, look(a), it does not show pc as one value for each process"),
    ("step", show("pc", ["IDLE"] * 3), 'at [\'state\'][\'pc\']: ["IDLE","IDLE","IDLE"] is not valid'),
    ("step", show("pc", {"a": "IDLE"}), "it does not show pc as one value for each process (b, c)"),
    ("step", show("pc", dict.fromkeys("abcd", "IDLE")), "it does not show pc as one value for each process (d)"),
    ("step", show("pc", {"a": "IDLE", "b": 1.5, "c": "IDLE"}), "at ['state']['pc']: {"),
]


@pytest.mark.parametrize(("command", "change", "words"), NONSENSE, ids=[f"{c}-{w}" for c, _, w in NONSENSE])
def test_nonsense_is_one_sentence(command: str, change: Change, words: str) -> None:
    """Whatever is missing, of another type or contradicts itself is named with the message that it replied to."""
    with pytest.raises(ImplementationError) as raised:
        forced(Changed(command, change))
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("implementation", "words"),
    [
        (Raises, "its reply to step look(b) fails with ZeroDivisionError: division by zero"),
        (Exits, "its reply to load fails with SystemExit"),
        (Silent, "its reply to hello is None, which is no object"),
    ],
)
def test_an_implementation_that_fails_is_one_error(implementation: type[Faithful], words: str) -> None:
    """Whatever it raises, with the message that it was asked."""
    with pytest.raises(ImplementationError) as raised:
        forced(implementation())
    assert str(raised.value).startswith(words)


def test_a_step_of_two_elements_can_only_be_internal() -> None:
    """A message has one element; an implementation that wants to be asked for such a step is told so."""
    trace = two_elements()

    class Counts(Faithful):
        @staticmethod
        def specification() -> Specification:
            return trace.ground.specification

        @staticmethod
        def structure(labels: tuple[str, ...]) -> Structure:  # noqa: ARG004
            return trace.ground.structure

    with pytest.raises(ImplementationError, match="pass_on, which is of 2 elements; a message names one"):
        force(trace, {}, Counts())

    class Within(Counts):
        internal = ("pass_on",)

        def state(self) -> dict[str, Any]:
            return {"token": {"a": False, "b": True}}

    assert force(trace, {}, Within()).ending is Ending.FOLLOWED


def two_elements() -> sagacheck.Trace:
    """A token that is passed on from one process to another, in one step of both."""
    from sagacheck.language import Element, PerElement, StateBase, action, always, build, elements, per_element, require

    class State(StateBase):
        token: PerElement[bool] = per_element(bool, False, group="tokens", doc="who has the token")

    @action("process", over="next")
    def pass_on(s: State, n: Element, m: Element) -> None:
        """{n} gives {m} a token."""
        require(not s.token[m] and n != m)
        s.token[m] = True

    @always(because="it is made up", source="nowhere", wrong="somebody has it")
    def NobodyHasIt(s: State) -> bool:  # noqa: N802
        """Nobody has the token."""
        return all(not s.token[n] for n in elements())

    specification = build(
        name="token", doc="A token.", state=State, actions=[pass_on], properties=[NobodyHasIt], parameters={},
        element_name="process", groups=("tokens",),
    )  # fmt: skip
    outcome = check(specification, Structure("two", ("a", "b"), relations={"next": ((1,), ())})).of("NobodyHasIt")
    assert outcome.trace is not None
    return outcome.trace


# Finding and closing --------------------------------------------------------------------------------------------------


def test_a_connection_is_closed_whatever_happens() -> None:
    """At the end, and when something goes wrong; what is raised first is what the caller hears of."""
    made = Faithful()
    with connected(lambda: made):
        assert not made.closed
    assert made.closed
    for error in (ValueError, KeyboardInterrupt):
        broken = Faithful()
        with pytest.raises(error), connected(lambda broken=broken: broken):  # type: ignore[misc]
            raise error
        assert broken.closed


def test_a_connection_that_cannot_be_made_or_closed_is_one_error() -> None:
    """Each with what failed; an error before it is not hidden by one of closing."""
    with pytest.raises(ImplementationError, match="making a connection fails with FileNotFoundError: no such"):
        connected(CannotBegin).__enter__()
    with pytest.raises(ImplementationError, match="makes a dict, which has no method 'ask'"):
        connected(dict).__enter__()  # type: ignore[arg-type]
    closing = pytest.raises(ImplementationError, match="closing the connection fails with OSError: it goes on")
    with closing, connected(CannotClose):
        pass
    with pytest.raises(ValueError, match="first"), connected(CannotClose):
        raise ValueError("first")


def test_the_default_implementation_is_the_one_of_the_distribution() -> None:
    """It is installed with sagacheck, and can be found by its name."""
    name = default_implementation()
    assert name == "reference"
    assert name in implementations()
    with connected(find_implementation(name)) as connection:
        assert connection.ask({"command": "hello", "protocol": 1})["implementation"] == name


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nobody", "--impl nobody: no such implementation is installed; there are: "),
        ("nowhere:x", "importing it fails with ModuleNotFoundError: No module named 'nowhere'"),
        ("test_force:Nobody", "importing it fails with AttributeError"),
        ("test_force:NO_CONNECTION", "this is a int, which cannot be called"),
        ("exits_on_import:x", "importing it fails with SystemExit: 5"),
    ],
)
def test_an_implementation_that_cannot_be_had_is_refused(
    name: str, words: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that nobody has, a module that is not there or ends the process, an object that is no factory."""
    (tmp_path / "exits_on_import.py").write_text("raise SystemExit(5)\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError) as raised:
        find_implementation(name)
    assert words in str(raised.value)
