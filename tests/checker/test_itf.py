"""Traces on disk: other tools load them, ours reads them back and holds them against the specification."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import itf_py
import pytest

import mutex
import oddities
from sagacheck import Domain, InputError, Outcome, check
from sagacheck._cli import main
from sagacheck._itf import read_itf, state_of, trace_to_itf, values_of
from sagacheck._model import Model
from sagacheck._replay import replay

CASES = [
    (mutex.domain, "3", {"taking": "two-steps"}, "MutualExclusion"),
    (oddities.domain, "a;b,#end:", {}, "NeverNoted"),
    (oddities.domain, "a,b", {}, "Nowhere"),
    (oddities.domain, "a,b", {}, "Restarted"),
    (oddities.domain, "a,b", {"ending": "round"}, "Restarted"),
    (oddities.domain, "a,b", {}, "NoDeadlock"),
]


def written(domain: Domain, structure: str, changes: dict[str, str], name: str) -> tuple[Model, Outcome, str]:
    """A model, the outcome for a property, and its trace as text."""
    environment = {o.name: o.default for o in domain.environment}
    model = Model(domain, None, domain.design(domain.default, changes), structure, environment)
    outcome = check(model.specification(), model.load(), properties=[name]).of(name)
    assert outcome.trace is not None
    return model, outcome, trace_to_itf(model, outcome.trace, outcome.property, "violated", outcome.element)


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c[3]}-{c[1]}")
def test_a_trace_read_back_is_the_trace_that_was_written(case: tuple[Domain, str, dict[str, str], str]) -> None:
    """States, steps, loop, property, element and model survive the file."""
    model, outcome, text = written(*case)
    back = replay(read_itf(text), case[0], None)
    assert outcome.trace is not None
    assert back.trace.states == outcome.trace.states
    assert [s.name for s in back.trace.steps] == [s.name for s in outcome.trace.steps]
    assert back.trace.loop == outcome.trace.loop
    assert (back.property.name, back.element) == (outcome.property.name, outcome.element)
    assert back.model == model


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c[3]}-{c[1]}")
def test_another_tool_loads_the_trace(case: tuple[Domain, str, dict[str, str], str]) -> None:
    """The package itf-py reads the same variables, states and loop."""
    _, outcome, text = written(*case)
    assert outcome.trace is not None
    loaded = itf_py.trace_from_json(json.loads(text))
    assert len(loaded.states) == len(outcome.trace.states)
    assert loaded.loop == outcome.trace.loop
    assert set(loaded.vars) == {v.name for v in outcome.trace.ground.specification.variables}
    for state, ours in zip(loaded.states, outcome.trace.states, strict=True):
        values = values_of(outcome.trace.ground, ours)
        assert {k: dict(v) if isinstance(v, dict) else v for k, v in state.values.items()} == values


def test_the_meta_names_the_model_and_each_step() -> None:
    """Whoever finds the file in years knows what it is of."""
    _, _, text = written(*CASES[0])
    document = json.loads(text)
    meta = document["#meta"]
    assert (meta["format"], meta["spec"], meta["design"], meta["structure"]) == ("ITF", "mutex", "look-then-take", "3")
    assert (meta["settings"], meta["environment"]) == ({"taking": "two-steps"}, {})
    assert (meta["property"], meta["verdict"], meta["element"]) == ("MutualExclusion", "violated", "a")
    assert set(meta["versions"]) == {"sagacheck", "python"}
    assert document["states"][1]["#meta"] == {"index": 1, "action": "look", "elements": ["a"], "actor": "process"}


def test_every_value_of_every_variable_survives() -> None:
    """Booleans, integers, enumerations, elements and none: value -> packed state -> value."""
    _, outcome, _ = written(*CASES[1])
    assert outcome.trace is not None
    ground = outcome.trace.ground
    for slot in ground.slots.values():
        for code in range(slot.variable.sort.size(ground.structure.size)):
            state = ground.initial & ~slot.mask | code << slot.offset
            assert state_of(ground, values_of(ground, state), 0) == state


def test_integers_too_large_for_json_readers_are_bigints() -> None:
    """ITF has a form for them, and we read it."""
    _, _, text = written(*CASES[1])
    document = json.loads(text)
    document["states"][0]["count"] = {"#bigint": "3"}
    assert read_itf(json.dumps(document)).states[0]["count"] == 3


# Refusals ------------------------------------------------------------------------------------------------------------

Change = Callable[[dict[str, Any]], object]

BREAKS: list[tuple[str, Change]] = [
    ("no list of `states`", lambda d: d.pop("states")),
    ("no list of `states`", lambda d: d.update(states=[])),
    ("not written by sagacheck", lambda d: d.pop("#meta")),
    ("not written by sagacheck: its #meta has no settings", lambda d: d["#meta"].pop("settings")),
    ("`settings` in its #meta", lambda d: d["#meta"].update(settings={"taking": 1})),
    ("`structure` in its #meta", lambda d: d["#meta"].update(structure=3)),
    ("`element` in its #meta", lambda d: d["#meta"].update(element=3)),
    ("is a counterexample", lambda d: d["#meta"].update(verdict="holds")),
    ("`vars` are no list", lambda d: d.update(vars="pc")),
    ("no value for pc", lambda d: d["states"][0].pop("pc")),
    ("state 1 is no object", lambda d: d["states"].__setitem__(1, 5)),
    ("state 1 does not say which action", lambda d: d["states"][1].pop("#meta")),
    ("no list of labels", lambda d: d["states"][1]["#meta"].update(elements=[1])),
    ("locked in state 0 is null", lambda d: d["states"][0].update(locked=None)),
    ("pc in state 0 is no map", lambda d: d["states"][0]["pc"]["#map"].append(["a"])),
    ("`loop` is 9", lambda d: d.update(loop=9)),
    ("`loop` is 'x'", lambda d: d.update(loop="x")),
    ("does not return to state 0", lambda d: d.update(loop=0)),
    ("specification 'other', not of 'mutex'", lambda d: d["#meta"].update(spec="other")),
    ("axes of this specification: speed", lambda d: d["#meta"]["settings"].update(speed="slow")),
    ("one-step or two-steps", lambda d: d["#meta"].update(settings={"taking": "never"})),
    (
        "option that this specification does not have: crashes",
        lambda d: d["#meta"].update(environment={"crashes": "1"}),
    ),
    ("--processes x", lambda d: d["#meta"].update(structure="x")),
    ("`digest` in its #meta", lambda d: d["#meta"].update(digest=3)),
    ("mutex or processes 3 has changed since", lambda d: d["#meta"].update(digest="0")),
    ("mutex or processes 2 has changed since", lambda d: d["#meta"].update(structure="2")),
    ("no property 'Nonsense'", lambda d: d["#meta"].update(property="Nonsense")),
    ("no process 'z'", lambda d: d["#meta"].update(element="z")),
    ("for which process MutualExclusion fails", lambda d: d["#meta"].update(element=None)),
    ("MutualExclusion is not violated in it", lambda d: d["states"].pop()),
    ("MutualExclusion is not violated in it", lambda d: d["#meta"].update(element="c")),
    ("NoDeadlock is not violated in it", lambda d: d["#meta"].update(property="NoDeadlock")),
    ("FirstEnters is not violated in it", lambda d: d["#meta"].update(property="FirstEnters")),
    ("not the initial state", lambda d: d["states"][0].update(locked=True)),
    ("variables are not those of the specification: lock", lambda d: _rename(d, "locked", "lock")),
    ("'FREE', which is no value of Pc", lambda d: d["states"][1]["pc"]["#map"][0].__setitem__(1, "FREE")),
    ("locked in state 1 is 1, which", lambda d: d["states"][1].update(locked=1)),
    ("does not have one value for each process", lambda d: d["states"][1]["pc"]["#map"].pop()),
    ("does not have one value for each process", lambda d: d["states"][1].update(pc="IDLE")),
    ("step 1, enter(a), is no step", lambda d: d["states"][1]["#meta"].update(action="enter")),
    ("step 1, look(z), is no step", lambda d: d["states"][1]["#meta"].update(elements=["z"])),
    ("step 1, leave(a), is not possible", lambda d: d["states"][1]["#meta"].update(action="leave")),
    ("step 1, look(b), does not lead", lambda d: d["states"][1]["#meta"].update(elements=["b"])),
]


def _rename(document: dict[str, Any], old: str, new: str) -> None:
    document["vars"] = [new if v == old else v for v in document["vars"]]
    for state in document["states"]:
        state[new] = state.pop(old)


@pytest.mark.parametrize(("words", "change"), BREAKS, ids=[w for w, _ in BREAKS])
def test_a_file_that_does_not_fit_is_refused_in_one_sentence(
    words: str, change: Change, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each way to break the file has its sentence, with the name of the file; exit code 2."""
    _, _, text = written(*CASES[0])
    document = json.loads(text)
    change(document)
    file = tmp_path / "broken.itf.json"
    file.write_text(json.dumps(document))
    code = main(["--spec", "mutex:domain", "show", str(file)])
    captured = capsys.readouterr()
    assert (code, captured.out) == (2, "")
    assert captured.err.startswith(f"sagacheck: {file}: ")
    assert words in captured.err
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize("text", ["", "{", "[]", "nonsense", "[" * 100_000, "1e999999"])
def test_what_is_no_json_or_no_trace_is_refused(text: str) -> None:
    """Never another exception."""
    with pytest.raises(InputError, match="it is no"):
        read_itf(text)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A binary file is named in the sentence."""
    file = tmp_path / "image"
    file.write_bytes(b"\xff\xfe\x00")
    assert main(["--spec", "mutex:domain", "show", str(file)]) == 2
    assert f"{file}: cannot be read (it is no UTF-8 text)" in capsys.readouterr().err


def test_a_trace_without_a_digest_is_still_read() -> None:
    """Files that earlier versions wrote have none."""
    _, _, text = written(*CASES[0])
    document = json.loads(text)
    assert document["#meta"].pop("digest")
    assert replay(read_itf(json.dumps(document)), mutex.domain, None).property.name == "MutualExclusion"


def test_an_option_that_is_newer_than_the_file_has_its_default() -> None:
    """A trace stays readable when the specification gains an option."""
    _, _, text = written(*CASES[1])
    document = json.loads(text)
    document["#meta"]["environment"] = {}
    back = replay(read_itf(json.dumps(document)), oddities.domain, None)
    assert back.model.environment == {"odd-option": "yes"}


def test_a_trace_of_another_version_that_still_fits_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What counts is that every step is possible; the version is said."""
    _, _, text = written(*CASES[0])
    document = json.loads(text)
    document["#meta"]["versions"] = {"sagacheck": "0.0.1"}
    file = tmp_path / "old.itf.json"
    file.write_text(json.dumps(document))
    assert main(["--spec", "mutex:domain", "show", str(file)]) == 0
    captured = capsys.readouterr()
    assert "a is not alone inside." in captured.out
    assert "written by sagacheck 0.0.1" in captured.err
