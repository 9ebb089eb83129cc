"""What `sagacheck tla` writes, and what is read back of what TLC prints; TLC itself is asked in tests/tla."""

from __future__ import annotations

import enum
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import mutex
import oddities
from command_line import MUTEX, ODD, Run, process, refused
from sagacheck import DEADLOCK, Domain, GroundSpecification, InputError, Specification
from sagacheck._explore import Limits, Search
from sagacheck._expr import Expr
from sagacheck._model import Model
from sagacheck._tla_commands import files_of
from sagacheck._tla_module import Module
from sagacheck._tla_names import Names, camel, element_texts
from sagacheck._tla_reduce import Reducer
from sagacheck._tlc_trace import read_tlc
from sagacheck.language import (
    OPTIONAL_ELEMENT,
    Element,
    PerElement,
    StateBase,
    action,
    always,
    build,
    define,
    elements,
    per_element,
    relation,
    require,
    scalar,
)
from sagaspec import domain

KEPT = Path(__file__).resolve().parents[2] / "spec" / "tla"
below = relation("below")


class Shade(enum.Enum):
    """How dark it is."""

    LIGHT = "light"
    GREY = "neither"
    DARK = "dark"


_NOT_LIGHT = (Shade.GREY, Shade.DARK)


class Small(StateBase):
    """A state with a variable of each kind."""

    shade: PerElement[Shade] = per_element(Shade, Shade.LIGHT, group="sky", doc="how dark it is there")
    seen: PerElement[bool] = per_element(bool, False, group="sky", doc="somebody looked")
    n: int = scalar(range(1, 4), 1, group="count", doc="a variable with the name of a bound one")
    first: Element | None = scalar(OPTIONAL_ELEMENT, None, group="count", doc="who was first")


@define
def covered(s: Small, x: Element) -> bool:
    """It is dark at x, and below."""
    return s.shade[x] == Shade.DARK and all(covered(s, c) for c in below(x))


@define
def next(s: Small, x: Element) -> bool:  # noqa: A001  (a name that every module defines itself)
    """Somebody looked at x, and it is not light."""
    return s.seen[x] and s.shade[x] in (Shade.GREY, Shade.DARK)


@action("weather")
def darken(s: Small, n: Element) -> None:
    """It darkens at {n}."""
    require(s.shade[n] != Shade.DARK)
    was_light = s.shade[n] == Shade.LIGHT
    s.shade[n] = Shade.GREY if was_light else Shade.DARK
    s.n = s.n + 1
    if all(covered(s, m) for m in elements()):
        s.first = n
    s.seen[n] = next(s, n)


@always(because="of this", source="made up", wrong="it is dark at {n}")
def NeverDark(s: Small, n: Element) -> bool:  # noqa: N802
    """It is never dark."""
    return s.shade[n] not in _NOT_LIGHT or s.n < 3


def small() -> Specification:
    """The small specification."""
    return build(
        name="small sky",
        doc="A sky.",
        state=Small,
        actions=[darken],
        properties=[NeverDark],
        recursion="below",
        element_name="place",
        groups=("sky", "count"),
    )


def definition(text: str, name: str) -> str:
    """The text of one definition of a module."""
    found = re.search(rf"^{re.escape(name)} ==.*\n(?:.+\n)*", text, re.MULTILINE)
    assert found is not None, name
    return found[0]


def module(design: str = "conforming", **changes: str) -> str:
    """The module of a design."""
    settings = domain.design(design, {k.replace("_", "-"): v for k, v in changes.items()}).settings
    return Module(domain.specify(settings, {o.name: o.default for o in domain.environment})).text()


# Names ---------------------------------------------------------------------------------------------------------------


def test_names_are_what_tla_users_expect() -> None:
    """CamelCase for what is defined, the specification's own for variables; none of them twice, none that is taken."""
    assert [camel(n) for n in ("take_success", "NoPanic", "is-action")] == ["TakeSuccess", "NoPanic", "IsAction"]
    names = Names(small())
    assert names.module == "SmallSky"
    assert names.element == "Place"
    assert names.definitions == {"covered": "Covered", "next": "NextIs"}
    with names.bound("n") as first, names.bound("m") as second, names.bound("m") as third:
        assert (first, second, third) == ("n2", "m", "m2")
    assert names.free("m") == "m"


def test_elements_are_called_by_their_labels_where_tlc_reads_these() -> None:
    """A label that TLC's output could not be read with gets a number instead."""
    environment = {"odd-option": "yes"}
    assert element_texts(oddities.domain.load("a;b,#end:", environment), "job") == ("job#0", "job#1")
    assert element_texts(oddities.domain.load("a/b,c.d", environment), "job") == ("a/b", "c.d")


def test_no_name_is_bound_where_it_is_known() -> None:
    """Parameters and quantifiers step aside for variables of the same name, and for each other."""
    text = Module(small()).text()
    assert "Darken(n2) ==" in text
    assert "\\A n2 \\in Place" in definition(text, "NeverDark")


# Text ----------------------------------------------------------------------------------------------------------------


def test_a_small_module_reads_as_it_should() -> None:
    """An action under its docstring, @ for what was there, new values by name, what recurses as a function."""
    text = Module(small()).text()
    assert text[text.index("\\* It darkens at n2.") :].startswith(
        r"""\* It darkens at n2.
Darken(n2) ==
    /\ shade[n2] # "DARK"
    /\ LET sky == [Sky EXCEPT !.shade = shade']
       IN  /\ shade' = [shade EXCEPT ![n2] = IF @ = "LIGHT" THEN "GREY" ELSE "DARK"]
           /\ seen' = [seen EXCEPT ![n2] = NextIs(sky, n2)]
           /\ n' = IF n + 1 > 3 THEN 3 ELSE n + 1
           /\ first' = IF \A m \in Place : Covered(sky, m) THEN n2 ELSE first

"""
    )
    assert (
        r"""
\* It is dark at x, and below.
Covered(sky, x) ==
    LET covered[x2 \in Place] ==
            sky.shade[x2] = "DARK" /\ \A c \in Below[x2] : covered[c]
    IN  covered[x]
"""
        in text
    )
    assert "NotLight" not in text  # two are no set that is worth its name


def test_a_definition_is_told_how_far_a_step_has_got() -> None:
    """What is asked for after a write reads the new value, in a record; where nothing was written, what there is."""
    text = module()
    assert re.search(r"^NodeExecState\(memory, n\) ==$", text, re.MULTILINE)
    assert "!.log_copy = log_copy'" in definition(text, "TakeFailure(n)")
    assert "NodeExecState(Memory, n)" in definition(text, "NoTornState")


def test_choices_of_the_design_leave_no_trace() -> None:
    """A variable, an action or a guard that the design has no use for is not there."""
    text, locked = module(), module(lock_across_io="yes")
    assert not re.search(r"^    lock,", text, re.MULTILINE)
    assert "LockFree" not in text
    assert "LockFree ==" in locked
    assert "RecordStart(n) ==" in locked


def test_repeated_parts_do_not_blow_up_the_text() -> None:
    """As a tree, one of the updates has millions of parts; the longest definition stays readable."""
    text = module()
    blocks = re.findall(r"^\w+(?:\([^)]*\))? ==\n(?:.+\n)*", text, re.MULTILINE)
    assert max(len(b.splitlines()) for b in blocks) < 150
    assert max(map(len, text.splitlines())) < 140


@pytest.mark.parametrize("design", [d.name for d in domain.designs])
def test_every_name_has_its_text(design: str) -> None:
    """Every action, property and variable of a design is defined once, and every action is in Next and in Fairness."""
    settings = domain.design(design).settings
    s = domain.specify(settings, {o.name: o.default for o in domain.environment})
    text, names = Module(s).text(), Names(s)
    for name in (*names.actions.values(), *names.properties.values(), DEADLOCK.name, "Init", "Next", "Spec", "TypeOK"):
        assert len(re.findall(rf"^{name}(?:\([^)]*\))? ==", text, re.MULTILINE)) == 1, name
    fairness = definition(text, "Fairness")
    for a in s.actions:
        assert (f"WF_vars({names.actions[a.name]}" in fairness) is a.fair, a.name
    steps = text[text.index("Next ==") - 6000 : text.index("Fairness ==")]
    assert all(names.actions[a.name] in steps for a in s.actions)
    for v in s.variables:
        assert f"    /\\ {v.name} \\in " in definition(text, "TypeOK")


def test_the_text_depends_on_nothing_but_the_model() -> None:
    """The same under another hash seed, and after other modules were made."""
    code = "import sys; from sagacheck._cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", code, "tla", "--design", "steno-461", "--dag", "fork-join:2"]
    texts = {
        subprocess.run(command, capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}).stdout
        for seed in ("1", "2")
    }
    assert texts == {(KEPT / "steno-461" / "Saga.tla").read_text("utf-8")}


def test_the_kept_modules_are_current() -> None:
    """spec/tla is what `python spec/tla/generate.py` writes now."""
    command = [sys.executable, str(KEPT / "generate.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), f"{done.stdout}{done.stderr}run python spec/tla/generate.py"


# Meaning -------------------------------------------------------------------------------------------------------------


def conditions(s: Specification) -> Mapping[str, tuple[Expr, Mapping[int, Any]]]:
    """Guards and properties that are about no element."""
    found = {f"{a.name} {i}": (g, {}) for a in s.actions if not a.params for i, g in enumerate(a.guard)}
    return {**found, **{p.name: (p.body, {}) for p in s.properties if not p.params}}  # type: ignore[dict-item]


@pytest.mark.parametrize("design", ["conforming", "steno-0.4.1"])
def test_what_is_made_simpler_says_the_same(design: str) -> None:
    """In every reachable state, a condition has the value that it has before it is reduced."""
    environment = {o.name: o.default for o in domain.environment}
    s = domain.specify(domain.design(design).settings, environment)
    ground = GroundSpecification(s, domain.load("chain:1", environment))
    search = Search(ground, [], Limits(), None, to_the_end=True)
    search.run()
    for name, (e, binding) in conditions(s).items():
        before, after = ground.value(e, binding), ground.value(Reducer().reduce(e), binding)
        for state in search.states:
            assert ground.evaluate(before, state) == ground.evaluate(after, state), name


# The command ---------------------------------------------------------------------------------------------------------


def test_without_a_folder_the_module_is_printed(run: Run) -> None:
    """The module alone, on standard output."""
    code, out, err = run("tla", "--design", "steno-461")
    assert (code, err) == (0, "")
    assert " MODULE Saga " in out.splitlines()[0]
    assert set(out.splitlines()[-1]) == {"="}


@pytest.mark.parametrize(("spec", "name"), [(MUTEX, "Mutex"), (ODD, "Oddities")])
def test_any_specification_has_its_files(run: Run, spec: str, name: str, tmp_path: Path) -> None:
    """Module, MC module and configuration, named after the specification, in a folder that is made."""
    folder = tmp_path / "new"
    code, out, err = run(spec, "tla", "--output", str(folder))
    assert (code, out) == (0, "")
    files = [f"{name}.tla", f"MC{name}.tla", f"MC{name}.cfg"]
    assert err == f"written: {', '.join(str(folder / f) for f in files)}\n"
    assert sorted(p.name for p in folder.iterdir()) == sorted(files)
    assert run(spec, "tla", "--output", str(folder))[0] == 0  # its own files, it replaces


def test_files_of_others_are_left_alone(run: Run, tmp_path: Path) -> None:
    """A module that somebody wrote is not replaced, and nothing else is written beside it."""
    mine = tmp_path / "Saga.tla"
    mine.write_text("---- MODULE Saga ----\n====\n", "utf-8")
    refused(run("tla", "--output", str(tmp_path)), "--output", "Saga.tla", "name another folder")
    assert [p.name for p in tmp_path.iterdir()] == ["Saga.tla"]
    assert mine.read_text("utf-8") == "---- MODULE Saga ----\n====\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--design", "nobody"], ["there is no design"]),
        (["--set", "writer=both"], ["writer", "single or split"]),
        (["--dag", "chain:none"], ["chain"]),
        (["--crashes", "often"], ["--crashes", "often"]),
        (["--output", "/nowhere/at/all"], ["--output", "there is no folder"]),
        (["--output", "/dev/null"], ["--output", "name a folder"]),
    ],
)
def test_bad_input_is_one_sentence(run: Run, arguments: list[str], words: list[str]) -> None:
    """Exit code 2, and what to do instead."""
    refused(run("tla", *arguments), *words)


def test_a_reader_that_goes_away_is_no_mistake() -> None:
    """`sagacheck tla | head`."""
    done = process("tla")
    assert done.returncode == 0
    assert done.stdout.count(" MODULE ") == 1


# What TLC prints -----------------------------------------------------------------------------------------------------


def printed(m: Model, *lines: str) -> str:
    """What TLC prints, with what the MC module has it print."""
    (mc,) = (text for name, text in files_of(m, ()).items() if name.startswith("MC") and name.endswith(".tla"))
    said = re.search(r'^ASSUME PrintT\((".*")\)$', mc, re.MULTILINE)
    assert said is not None
    return "\n".join(["TLC2 Version 2.15 of Day Month 20?? (rev: d5b5a7f)", said[1], *lines, ""])


def lock(pcs: str, locked: bool) -> str:
    """A state of the lock with three processes."""
    shown = {"I": "IDLE", "T": "TRYING", "X": "INSIDE"}
    pc = ", ".join(f'{name} |-> "{shown[c]}"' for name, c in zip("abc", pcs, strict=True))
    return f"/\\ pc = [{pc}]\n/\\ locked = {str(locked).upper()}\n"


WAY = [("III", False), ("TII", False), ("TTI", False), ("XTI", True), ("XXI", True)]
ACTIONS = [
    "Initial predicate",
    *(f"{a} line 1, col 1 to line 2, col 3 of module Mutex" for a in ("Look", "Look", "Take", "Take")),
]
FAILED = "Error: Invariant MutualExclusion is violated."


def way() -> list[str]:
    """The counterexample as TLC prints it."""
    return [f"State {i}: <{a}>\n{lock(*s)}" for i, (s, a) in enumerate(zip(WAY, ACTIONS, strict=True), 1)]


def broken_lock(domain_: Domain = mutex.domain) -> Model:
    """The lock that is taken in two steps."""
    return Model(domain_, None, domain_.design("look-then-take"), "3", {})


def test_steps_get_their_elements() -> None:
    """TLC names actions only; which process took each step is found from the states."""
    itf = read_tlc(printed(broken_lock(), FAILED, *way()), mutex.domain, None)
    assert itf.steps == (("look", ("a",)), ("look", ("b",)), ("take", ("a",)), ("take", ("b",)))
    assert (itf.meta["property"], itf.meta["element"], itf.loop) == ("MutualExclusion", "a", None)


def test_tool_mode_is_read_too() -> None:
    """With -tool, TLC writes marks between its messages, and leaves out the word State."""
    states = [w.replace("State ", "", 1) for w in way()]
    marked = ["@!@!@STARTMSG 2110:1 @!@!@", FAILED, "@!@!@ENDMSG 2110 @!@!@"]
    for state in states:
        marked += ["@!@!@STARTMSG 2217:4 @!@!@", state, "@!@!@ENDMSG 2217 @!@!@"]
    itf = read_tlc(printed(broken_lock(), *marked), mutex.domain, None)
    assert len(itf.states) == 5


NONSENSE = {
    "no counterexample": ([], ["no counterexample"]),
    "no property": (way(), ["does not say which property"]),
    "another property": ([FAILED.replace("MutualExclusion", "TypeOK"), *way()], ["TypeOK", "no property"]),
    "not violated": ([FAILED, *way()[:2]], ["MutualExclusion", "not violated"]),
    "a state is missing": ([FAILED, *way()[:1], way()[2].replace("State 3", "State 2")], ["step 1", "no step"]),
    "another action": ([FAILED, way()[0], way()[1].replace("Look", "Take")], ["step 1", "Take"]),
    "half a state": ([FAILED, way()[0][:40]], ["not complete"]),
    "an unknown variable": ([FAILED, way()[0].replace("locked", "open")], ["open", "variable"]),
    "an unknown value": ([FAILED, way()[0].replace("IDLE", "LOST", 1)], ["LOST"]),
}


@pytest.mark.parametrize("what", NONSENSE)
def test_what_cannot_be_read_is_told_in_one_sentence(what: str) -> None:
    """Whatever is wrong with the text, it is the user's to know, without a traceback."""
    lines, words = NONSENSE[what]
    with pytest.raises(InputError) as told:
        read_tlc(printed(broken_lock(), *lines), mutex.domain, None)
    for word in words:
        assert word in str(told.value)


def test_output_of_another_module_is_refused() -> None:
    """TLC's output says nothing of its model, unless an MC module of ours has made it say so."""
    with pytest.raises(InputError, match="does not say which model"):
        read_tlc("TLC2 Version 2.15\n" + FAILED, mutex.domain, None)
    with pytest.raises(InputError, match=r"mutex.*--spec"):
        read_tlc(printed(broken_lock(), FAILED, *way()), oddities.domain, None)
