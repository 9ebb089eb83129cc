"""TLC checks what `sagacheck tla` writes, and finds what the explorer finds: verdicts, states, depth, state graphs.

Every design is compared on every saga by `pytest -m crosscheck`, or `python -m tests.tla.crosscheck`; what runs here
is a share of that, and what shows that the comparison would notice a difference.
"""

from __future__ import annotations

import importlib.util
import json
import os
import random
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tlc
from agreement import Compared, by_explorer, compare, model

import crosscheck
import mutex
import oddities
from command_line import MUTEX, ODD, Run
from sagacheck import Design, Domain, Specification
from sagacheck._tla_commands import files_of
from sagaspec import domain

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "spec" / "tla"
MANIFEST: dict[str, Any] = json.loads((KEPT / "manifest.json").read_text("utf-8"))

pytestmark = pytest.mark.skipif(bool(tlc.absent()) and not os.environ.get("CI"), reason=tlc.absent() or "TLC is there")

IRREGULAR = "a>b,a>c,b>c"


def agreed(found: Compared) -> None:
    """They found the same, of everything."""
    assert found.explorer.verdicts == found.tlc.verdicts
    assert (found.explorer.states, found.explorer.depth) == (found.tlc.states, found.tlc.depth)
    assert found.explorer.graph == found.tlc.graph


# The same of every model ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("design", crosscheck.every_design(), ids=lambda d: d.name.replace(" ", "_"))
def test_tlc_and_the_explorer_find_the_same(design: Design, tmp_path: Path) -> None:
    """The verdict of every property, the number of states, the depth, and the state graph, edge by edge."""
    found = compare(model(domain, design, IRREGULAR), tmp_path, small=1_000)
    agreed(found)
    assert found.explorer.states > 1_000 or found.explorer.graph is not None


TOYS = [
    (mutex.domain, "test-and-set", {}, "3"),
    (mutex.domain, "look-then-take", {}, "3"),
    (oddities.domain, "odd", {}, "a;b,#end:"),
    (oddities.domain, "odd", {"ending": "round"}, "a,b,c"),
]


@pytest.mark.parametrize(
    ("of", "design", "changes", "structure"), TOYS, ids=lambda x: str(x) if isinstance(x, str) else ""
)
def test_any_specification_can_be_written(
    of: Domain, design: str, changes: dict[str, str], structure: str, tmp_path: Path
) -> None:
    """Specifications that have nothing to do with sagas, one of them violated in every way that there is."""
    agreed(compare(model(of, of.design(design, changes), structure), tmp_path))


def test_a_packaged_saga_is_written_with_the_names_of_its_nodes(tmp_path: Path) -> None:
    """One from production, with ten nodes."""
    agreed(compare(model(domain, domain.design("conforming"), "volume_delete", crashes="0"), tmp_path))


@pytest.mark.crosscheck
@pytest.mark.parametrize("case", crosscheck.CASES, ids=lambda c: f"{c[0].name.replace(' ', '_')}-{c[1]}-{c[2]}")
def test_tlc_and_the_explorer_find_the_same_everywhere(case: tuple[Design, str, str]) -> None:
    """Every named design and single deviation, on regular and irregular sagas, with and without crashes."""
    row = crosscheck.row(*case)
    assert row.get("agree", True), row
    if not row["compared"]:
        pytest.skip(row["reason"])


@pytest.mark.crosscheck
@pytest.mark.parametrize("seed", range(20))
def test_any_combination_of_axes_can_be_written(seed: int, tmp_path: Path) -> None:
    """Designs, sagas and environments drawn at random, the same ones each time."""
    drawn = random.Random(seed)
    while True:
        settings = {a.name: drawn.choice(a.values) for a in domain.axes}
        environment = {"crashes": drawn.choice(("any", "1", "0")), "contract": drawn.choice(("kept", "dropped"))}
        dag = drawn.choice(("chain:1", "chain:2", "a,b", IRREGULAR))
        if domain.refuse(settings):
            continue
        m = model(domain, domain.design("conforming", settings), dag, **environment)
        explorer = by_explorer(m, 2_500)
        if explorer is not None:
            break
    agreed(compare(m, tmp_path, explorer=explorer))


# The comparison notices ----------------------------------------------------------------------------------------------


def without(text: str, line: str) -> str:
    """The text without a line that it has once."""
    assert text.count(line) == 1, line
    return text.replace(line, "")


def instead(text: str, old: str, new: str, within: str) -> str:
    """The text with something replaced in one definition."""
    found = re.search(rf"^{re.escape(within)} ==.*\n(?:.+\n)*", text, re.MULTILINE)
    assert found is not None
    assert old in found[0]
    return text.replace(found[0], found[0].replace(old, new, 1))


WRONG: dict[str, Callable[[str], str]] = {
    "a guard is lost": lambda t: instead(t, "    /\\ ~effect[n]\n", "", "TakeEffect(n)"),
    "an update is lost": lambda t: instead(t, '![n] = "RUN"', "![n] = @", "StartLands(n)"),
    "an update is another": lambda t: instead(t, '"RECORD_FAIL"', '"RECORD_OK"', "Fail(n)"),
    "an action is lost": lambda t: instead(t, "       \\/ TakeEffect(n)\n", "", "WorldSteps"),
    "a property is weaker": lambda t: instead(t, 'lock # "WORKER"', "TRUE", "StatusAvailable"),
    "an initial value is another": lambda t: instead(t, 'pc = "KICK_OFF"', 'pc = "DOWN"', "Init"),
    "a step is not fair": lambda t: instead(t, "    /\\ WF_vars(Recover)\n", "", "Fairness"),
    "crashes never end": lambda t: instead(t, "    /\\ <>[][~Crash]_vars\n", "", "FinitelyOften"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_module_that_is_wrong_is_noticed(what: str, tmp_path: Path) -> None:
    """Break the module in one place: the two no longer find the same."""
    design = domain.design("conforming", {"lock-across-io": "yes"})
    m = model(domain, design, "chain:1")
    files = files_of(m, ())
    files["Saga.tla"] = WRONG[what](files["Saga.tla"])
    found = compare(m, tmp_path, files)
    assert found.explorer != found.tlc


def unfair(name: str) -> Domain:
    """The default domain, with an action that is not fair."""

    def specify(settings: Any, environment: Any) -> Specification:
        s = domain.specify(settings, environment)
        return replace(s, actions=tuple(replace(a, fair=a.fair and a.name != name) for a in s.actions))

    return replace(domain, specify=specify)


@pytest.mark.parametrize("name", ["recover", "finish", "success_lands"])
def test_they_agree_on_what_never_ends(name: str, tmp_path: Path) -> None:
    """A saga that need not end, because a step need not be taken: both say of both liveness properties the same."""
    found = compare(model(unfair(name), domain.design("conforming"), "chain:1"), tmp_path)
    agreed(found)
    assert not found.tlc.verdicts["ResumeProgress"]
    assert found.tlc.verdicts["Termination"] is (name == "never")


# The modules that are kept -------------------------------------------------------------------------------------------


def generator() -> Any:
    """The program that writes the modules that are kept."""
    found = importlib.util.spec_from_file_location("generate_tla", KEPT / "generate.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.mark.parametrize("entry", MANIFEST["models"], ids=lambda e: e["design"])
def test_tlc_finds_what_the_manifest_says(entry: dict[str, Any], tmp_path: Path) -> None:
    """Each kept model, as a user runs it: the result, what is reached, states and depth of a complete search."""
    for name in (entry["module"], entry["model"], entry["config"]):
        (tmp_path / name).write_text((KEPT / entry["folder"] / name).read_text("utf-8"), "utf-8")
    said = tlc.run(tmp_path, entry["model"], entry["config"])
    stopped = re.findall(r"^Error: Invariant (\w+) is violated", said.text, re.MULTILINE)
    assert ("safety failure" if stopped else "success") == entry["result"]
    assert set(stopped) <= set(entry["violated"])
    if stopped:
        said = tlc.run(tmp_path, entry["model"], entry["config"], "-continue")
        assert set(re.findall(r"Invariant (\w+) is violated", said.text)) <= set(entry["violated"])
    assert {name for kind, name in said.told if kind == "reached"} == set(entry["reached"])
    assert (said.states, said.depth) == (entry["distinct_states"], entry["depth"])


# Back again ----------------------------------------------------------------------------------------------------------


def stopped(run: Run, folder: Path, *arguments: str, module: str = "MCSaga", drop: str = "") -> str:
    """The file with what TLC prints on a model in which a property is violated."""
    before, *others = arguments if arguments[0].startswith("--spec") else ("", *arguments)
    selected = [before] if before else []
    assert run(*selected, "tla", *others, "--output", str(folder))[0] == 0
    config = folder / f"{module}.cfg"
    config.write_text(
        without(config.read_text("utf-8"), f"    {drop}\n") if drop else config.read_text("utf-8"), "utf-8"
    )
    file = folder / "tlc.txt"
    file.write_text(tlc.run(folder, f"{module}.tla", f"{module}.cfg").text, "utf-8")
    return str(file)


def test_a_counterexample_of_tlc_is_followed_by_the_reference_executor(run: Run, tmp_path: Path) -> None:
    """What TLC prints is a trace file as ours are: `replay` forces it upon the reference executor, to the end."""
    file = stopped(run, tmp_path, "--dag", "chain:2", "--contract", "dropped", "--crashes", "1")
    code, out, _ = run("replay", file)
    assert code == 0
    assert re.search(r"followed: \w+ is violated in reference too", out)


@pytest.mark.parametrize("design", ["steno-0.4.1", "steno-461"])
def test_a_counterexample_of_tlc_is_as_short_as_ours(run: Run, design: str, tmp_path: Path) -> None:
    """`show` tells it, with who takes each step; TLC's search is breadth first too."""
    file = stopped(run, tmp_path, "--design", design, "--dag", "chain:2")
    code, out, err = run("show", file)
    assert (code, err) == (0, "")
    name, steps = re.findall(r"^(\w+) is violated after (\d+) steps$", out, re.MULTILINE)[0]
    assert (
        f"shortest counterexample: {steps} steps"
        in run("check", "--design", design, "--dag", "chain:2", "--property", name)[1]
    )


def test_a_behaviour_without_end_comes_back(run: Run, tmp_path: Path) -> None:
    """Round a loop, and standing still: `show` reads the end of TLC's behaviour as what it is."""
    config = "    NeverNoted\n    Nowhere\n    NoDeadlock\n"
    for ending, words in (("still", "standing still for ever"), ("round", "going round for ever")):
        folder = tmp_path / ending
        folder.mkdir()
        assert run(ODD, "tla", "--set", f"ending={ending}", "--jobs", "a,b", "--output", str(folder))[0] == 0
        cfg = folder / "MCOddities.cfg"
        cfg.write_text(without(cfg.read_text("utf-8"), config), "utf-8")
        file = folder / "tlc.txt"
        file.write_text(tlc.run(folder, "MCOddities.tla", "MCOddities.cfg").text, "utf-8")
        code, out, err = run(ODD, "show", str(file))
        assert (code, err) == (0, "")
        assert "Restarted is violated" in out
        assert words in out


def test_the_initial_state_may_be_wrong_already(run: Run, tmp_path: Path) -> None:
    """TLC prints such a state in another form."""
    file = stopped(run, tmp_path, ODD, "--jobs", "a;b,#end:", module="MCOddities", drop="NeverNoted")
    code, out, err = run(ODD, "show", file)
    assert (code, err) == (0, "")
    assert "Nowhere is violated in the initial state" in out or "Nowhere is violated after 0 steps" in out


def test_a_trace_of_tlc_is_held_against_the_model_that_it_names(run: Run, tmp_path: Path) -> None:
    """It is of another specification, or says something that is not so: one sentence, exit code 2."""
    file = Path(stopped(run, tmp_path, MUTEX, "--design", "look-then-take", "--processes", "2", module="MCMutex"))
    assert run(MUTEX, "show", str(file))[0] == 0
    code, out, err = run("show", str(file))
    assert (code, out) == (2, "")
    assert "--spec" in err
    text = file.read_text("utf-8")
    file.write_text(text.replace("locked = TRUE", "locked = FALSE"), "utf-8")
    code, out, err = run(MUTEX, "show", str(file))
    assert (code, out) == (2, "")
    assert "no step of the specification" in err
