"""Claims about `prove`: what it proves of every saga, what it refuses to, and that it cannot prove what is not so."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import confusions
import pytest

from sagacheck import InputError, Kind, Specification, SpecificationError, check
from sagacheck._argument import Answer, Obligation, Rule, obligations
from sagacheck._bounded import bounded
from sagacheck._every_structure import EveryStructure
from sagacheck._expr import FALSE
from sagacheck._one_structure import OneStructure
from sagacheck._propositional import Propositional
from sagacheck._prove import prove
from sagacheck._symbolic import DisagreementError
from sagacheck._verdict import Verdict
from sagaspec import domain, sagas
from small_dags import all_small_dags

assert domain.argument is not None
ARGUMENT = domain.argument
ROOT = Path(__file__).parents[2]

# Without this part, this obligation is refuted on this saga.
NEEDED = {
    "NoAssertion": ("property / NoPanic", "a"),
    "Forgotten": ("property / UndoOrder", "a"),
    "Writers": ("property / SingleWriter", "a"),
    "LogFits": ("property / LegalLog", "a"),
    "LogHasCause": ("recover / Cause", "a"),
    "EndsGoForward": ("lemma / EndLast", "a"),
    "ActionsFail": ("failure_lands / EndsGoForward", "a"),
    "WorkFollowsLog": ("property / StartMemoryFirst", "a"),
    "UndoWorkFollowsLog": ("property / StartMemoryFirst", "a"),
    "MemoryFollowsLog": ("property / StartMemoryFirst", "a"),
    "MapsAgree": ("property / NoTornState", "a"),
    "Effects": ("property / UndoOrder", "a"),
    "RunsCounted": ("property / AtMostOnce", "a"),
    "ParentsFirst": ("start_lands / LogFits", "a"),
    "ChildrenUndoneFirst": ("lemma / StartUndoneLastInMemory", "a"),
    "WalkComplete": ("take_failure / ChildrenUndoneFirst", "a,b"),
    "Running": ("take_success / MapsAgree", "a"),
    "Cause": ("undo_start_lands / LogHasCause", "a"),
    "Stopping": ("property / Atomicity", "a"),
    "Done": ("property / Atomicity", "a"),
    "LoopAgrees": ("property / Atomicity", "a"),
}


@functools.cache
def specification(design: str = "conforming", **axes: str) -> Specification:
    """The specification of a design with the inductive argument, in the widest environment."""
    return ARGUMENT.specify(domain.design(design, axes).settings, {})


def the(name: str, among: Specification) -> Obligation:
    """The obligation of that name."""
    return next(o for o in obligations(among) if o.name == name)


def on(text: str, given: Specification) -> OneStructure:
    """The prover for this saga."""
    return OneStructure(given, domain.load(text, {}))


def without(part: str) -> Specification:
    """The conforming design, argued without that part of the invariant."""
    whole = specification()
    return replace(whole, invariant=tuple(p for p in whole.invariant if p.name != part))


# Of every saga ---------------------------------------------------------------------------------------------------


def test_the_conforming_design_is_proved_of_every_saga() -> None:
    """Initially true, preserved by every action, implying every *always* property; and no action is impossible."""
    small = [domain.load(text, {}) for text in ARGUMENT.structures]
    proof = prove(specification(), None, small)
    assert {d.obligation.name: d.reason for d in proof.decided if d.answer is not Answer.PROVED} == {}
    always = {p.name for p in specification().properties if p.kind is Kind.ALWAYS}
    assert proof.verdicts == dict.fromkeys(always, Verdict.HOLDS)
    assert proof.exit_code == 0
    assert proof.impossible == ()
    steps = {(o.where, o.claim.name) for o in obligations(specification()) if o.rule is Rule.STEP}
    actions = {a.name for a in specification().actions}
    assert {"crash", "recover", "take_failure", "fail_undo"} <= actions
    assert steps == {(a, p) for a in actions for p in NEEDED}


@pytest.mark.parametrize("dag", [*all_small_dags(3), "ladder:2x3", *(saga.name for saga in sagas() if saga.nodes < 60)])
def test_the_axioms_are_true_of_sagas(dag: str) -> None:
    """What is assumed of every saga is true of these, so nothing is proved from a contradiction."""
    on(dag, specification()).refuse_unfit()


def test_an_axiom_that_is_not_true_is_noticed() -> None:
    """A graph in which a node does not know its parents is no saga: `Inverse` is false of it."""
    saga = domain.load("a,b", {})
    parents = tuple(() if label == "a" else p for label, p in zip(saga.labels, saga.relations["parents"], strict=True))
    broken = replace(saga, relations={**saga.relations, "parents": parents})
    with pytest.raises(InputError, match=r"the axiom Inverse .* is not true of"):
        OneStructure(specification(), broken).refuse_unfit()


def test_induction_along_a_circle_is_refused() -> None:
    """It would prove anything; and so would a definition that recurses along it."""
    OneStructure(confusions.carried(), confusions.chain(3)).refuse_unfit()
    with pytest.raises(InputError, match=r"Carried goes along `after`, which has a cycle on a circle"):
        OneStructure(confusions.carried(), confusions.circle(3)).refuse_unfit()
    saga = domain.load("a>b", {})
    a, b = saga.labels.index("a"), saga.labels.index("b")
    children = tuple((*c, a) if n == b else c for n, c in enumerate(saga.relations["children"]))
    with pytest.raises(InputError, match="`children` has a cycle"):
        OneStructure(specification(), replace(saga, relations={**saga.relations, "children": children}))


@pytest.mark.parametrize("part", NEEDED)
def test_every_part_of_the_invariant_is_needed(part: str) -> None:
    """Without it some obligation is refuted, which is proved with it."""
    name, dag = NEEDED[part]
    assert on(dag, specification()).decide(the(name, specification()), 60).answer is Answer.PROVED
    less = without(part)
    refuted = on(dag, less).decide(the(name, less), 60)
    assert refuted.answer is Answer.REFUTED
    assert refuted.refutation is not None


def test_the_needed_parts_are_all_there_are() -> None:
    """The table above misses none."""
    assert set(NEEDED) == {p.name for p in specification().invariant}


def test_the_record_is_of_this_argument() -> None:
    """docs/trust.md counts the obligations that there are; after a change of the argument the record is made anew."""
    for name in ("proof", "instance_start"):
        record = json.loads((ROOT / "docs" / "crosscheck" / f"{name}.json").read_text("utf-8"))
        recorded = [(o["rule"], o["action"], o["claim"], o["answer"]) for o in record["obligations"]]
        made = obligations(specification())
        assert recorded == [(o.rule.value, o.action and o.action.name, o.claim.name, "proved") for o in made]


# What is not so is not proved ------------------------------------------------------------------------------------

# A design that violates a property, an obligation that it does not meet, and a saga that shows it.
UNSAFE = {
    "steno-0.4.1": ({}, "succeed / WorkFollowsLog", "a"),
    "steno-461": ({}, "undo_start_lands / LogFits", "a,b"),
    "steno-461-462": ({}, "take_failure / WalkComplete", "a"),
    "writer": ({"writer": "split"}, "succeed / WorkFollowsLog", "a"),
    "start": ({"start": "durable-first"}, "start_lands / WorkFollowsLog", "a"),
    "completion": ({"completion": "memory-first"}, "succeed / WorkFollowsLog", "a"),
    "lock-across-io": ({"lock-across-io": "yes"}, "succeed / WorkFollowsLog", "a"),
    "recovery": ({"recovery": "strict"}, "undo_start_lands / LogFits", "a,b"),
    "intent": ({"intent": "after"}, "kick_off / WorkFollowsLog", "a"),
    "stuck": ({"stuck": "once"}, "take_undo_failure / NoAssertion", "a,b"),
    "revisit": ({"revisit": "panic"}, "take_failure / WalkComplete", "a"),
    "rest": ({"rest": "try-lock"}, "finish / NoAssertion", "a"),
}


def unsafe(name: str) -> Specification:
    """The argument, made for a design that it does not hold of."""
    axes = UNSAFE[name][0]
    return specification(**axes) if axes else specification(name)


@pytest.mark.parametrize("name", UNSAFE)
def test_an_unsafe_design_fails_an_obligation(name: str) -> None:
    """z3 shows a saga and two states, in which what is assumed holds and what is claimed does not."""
    _, obligation, dag = UNSAFE[name]
    o = the(obligation, unsafe(name))
    refuted = on(dag, unsafe(name)).decide(o, 60)
    assert refuted.answer is Answer.REFUTED
    assert refuted.refutation is not None
    assert len(refuted.refutation.trace.states) == 2


@pytest.mark.parametrize("name", ["recovery", "completion"])
def test_what_one_saga_refutes_is_not_proved_of_every_saga(name: str) -> None:
    """z3 may not know it of every saga at once, but does not prove it either."""
    o = the(UNSAFE[name][1], unsafe(name))
    assert EveryStructure(unsafe(name)).decide(o, 60, attempts=1).answer is Answer.UNKNOWN


def test_the_unsafe_designs_are_all_there_are() -> None:
    """Every named design and every design one axis away, but the one that only asks no question, is in the table."""
    harmless = {"conforming assertions=off"}
    axes = {
        name.rpartition("=")[0].rpartition(" ")[2]
        for name in (d.name for d in domain.deviations())
        if name not in harmless
    }
    assert set(UNSAFE) == {d.name for d in domain.designs if d.name != "conforming"} | axes


def test_actions_that_break_their_contract_are_not_proved_harmless() -> None:
    """Where a failed action may leave its effect, the invariant is refuted, with that effect."""
    dropped = ARGUMENT.specify(domain.design("conforming").settings, {"contract": "dropped"})
    refuted = on("a", dropped).decide(the("fail / Effects", dropped), 60)
    assert refuted.answer is Answer.REFUTED


def test_what_z3_does_not_answer_is_undetermined() -> None:
    """With no time for any question nothing is refuted, little is proved, and no property holds."""
    proof = prove(specification(), domain.load("a>b,a>c", {}), (), seconds=0.001)
    assert proof.having(Answer.UNKNOWN)
    assert proof.having(Answer.REFUTED) == ()
    assert set(proof.verdicts.values()) == {Verdict.UNDETERMINED}
    assert proof.exit_code == 3


def test_a_lost_guard_is_noticed() -> None:
    """An undo action that succeeds before the effect is gone: the argument fails where it should."""
    whole = specification()
    undo = next(a for a in whole.actions if a.name == "succeed_undo")
    lost = replace(undo, guard=undo.guard[:-1])
    broken = replace(whole, actions=tuple(lost if a is undo else a for a in whole.actions))
    assert on("a,b", broken).decide(the("succeed_undo / Effects", broken), 60).answer is Answer.REFUTED


def test_a_false_claim_is_refuted_in_the_initial_state() -> None:
    """A part that the initial state does not satisfy is refuted there."""
    whole = specification()
    false = replace(whole.invariant[0], name="False", body=FALSE)
    wrong = replace(whole, invariant=(*whole.invariant, false))
    assert on("a", wrong).decide(the("initial / False", wrong), 60).answer is Answer.REFUTED
    assert EveryStructure(wrong).decide(the("initial / False", wrong), 5, attempts=1).answer is Answer.UNKNOWN


# Of one saga -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dag", ["diamond", "volume_delete"])
def test_the_conforming_design_is_proved_of_one_saga(dag: str) -> None:
    """Every obligation, by the ground layer; nothing is left unknown."""
    proof = prove(specification(), domain.load(dag, {}), ())
    assert [d.obligation.name for d in proof.decided if d.answer is not Answer.PROVED] == []
    assert proof.exit_code == 0


@pytest.mark.crosscheck
def test_asking_no_question_is_as_safe() -> None:
    """`assertions=off` satisfies every property too, and is proved of every saga."""
    small = [domain.load(text, {}) for text in ARGUMENT.structures]
    assert prove(specification(assertions="off"), None, small).exit_code == 0


# Provers that could be confused ----------------------------------------------------------------------------------


@pytest.mark.parametrize("made", [confusions.two_marks, confusions.sizes, confusions.sums])
def test_what_is_violated_is_not_proved(made: Callable[[], Specification]) -> None:
    """One name for two things, or a number too large for a slot: no prover is taken in by it."""
    wrong, structure = made(), confusions.chain(2)
    name = wrong.properties[0].name
    assert check(wrong, structure).of(name).verdict is Verdict.VIOLATED
    assert bounded(wrong, structure, 3).of(name).verdict is Verdict.VIOLATED
    assert prove(wrong, structure, ()).verdicts == {name: Verdict.UNDETERMINED}
    every = prove(wrong, None, [structure], seconds=2)
    assert every.verdicts == {name: Verdict.UNDETERMINED}
    assert every.having(Answer.REFUTED)


def test_two_definitions_of_one_name_are_refused() -> None:
    """Readers tell definitions apart by name, and so do people."""
    with pytest.raises(SpecificationError, match="two definitions called `other_size`"):
        confusions.namesakes()


def test_a_state_that_z3_did_not_find_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What z3 refutes with is evaluated once more, and has to be so."""
    monkeypatch.setattr(Propositional, "read", lambda self, _model, _state: self.ground.initial)
    o = the(UNSAFE["completion"][1], unsafe("completion"))
    with pytest.raises(DisagreementError, match="impossible"):
        on("a", unsafe("completion")).decide(o, 60)
