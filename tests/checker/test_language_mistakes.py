"""Each mistake in a specification is reported where it is made: one sentence, with file and line."""

from __future__ import annotations

import importlib.util
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sagacheck import GroundSpecification, InputError, Specification, SpecificationError, Structure
from sagacheck.language import build

PREAMBLE = """\
from __future__ import annotations
import enum
from sagacheck.language import *

class Pc(enum.Enum):
    IDLE = 1
    TRYING = 2
    INSIDE = 3

class Colour(enum.Enum):
    RED = 1

class State(StateBase):
    atomic: bool
    pc: PerElement[Pc] = per_element(Pc, Pc.IDLE, group="processes", doc="where")
    marked: PerElement[bool] = per_element(bool, False, group="processes", doc="marked")
    locked: bool = scalar(bool, False, group="lock", doc="taken")
    count: int = scalar(range(2, 6), 2, group="lock", doc="a number")
    turn: Element | None = scalar(OPTIONAL_ELEMENT, None, group="lock", doc="whose turn")

above = relation("above")
below = relation("below")
special = predicate("special")
TOP = element("top")
"""

_NUMBERS = itertools.count()


def action(*lines: str, header: str = "def act(s: State, n: Element) -> None:") -> str:
    """The text of an action with these lines."""
    return "\n".join(['@action("process")', header, '    """{n} acts."""', *(f"    {line}" for line in lines)])


def definition(*lines: str, header: str = "def wanted(s: State, n: Element) -> bool:") -> str:
    """The text of a definition with these lines, and an action that uses it."""
    made = "\n".join(["@define", header, '    """Whether it is wanted."""', *(f"    {line}" for line in lines)])
    return f"{made}\n\n{action('require(wanted(s, n))')}"


def claim(*lines: str) -> str:
    """The text of a property with these lines."""
    head = '@always(because="of this", source="made up", wrong="no")\ndef Fine(s: State, n: Element) -> bool:'
    return "\n".join([head, '    """Fine."""', *(f"    {line}" for line in lines)])


def loaded(text: str, folder: Path) -> tuple[ModuleType, Path]:
    """The text after the preamble, as a module from a file."""
    path = folder / f"wrong_{next(_NUMBERS)}.py"
    path.write_text(f"{PREAMBLE}\n{text}\n")
    found = importlib.util.spec_from_file_location(path.stem, path)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules[path.stem] = module
    found.loader.exec_module(module)
    return module, path


def built(module: ModuleType, **more: Any) -> Specification:
    """The specification of everything that the module marks."""
    texts = [x for x in vars(module).values() if isinstance(getattr(x, "said", None), dict)]
    return build(
        name="wrong",
        doc="A specification with a mistake.",
        state=module.State,
        actions=[x for x in texts if "actor" in x.said],
        properties=[x for x in texts if "kind" in x.said],
        parameters={"atomic": True},
        recursion="below",
        **more,
    )


@pytest.fixture(autouse=True)
def _forget_modules() -> Iterator[None]:
    """Take the modules of a test out of `sys.modules` again."""
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("wrong_"):
            del sys.modules[name]


LOOP = ("for m in elements():", "    s.marked[m] = True")

# name -> (text with the mistake, marked by `# <-`; words of the sentence)
MISTAKES: dict[str, tuple[str, tuple[str, ...]]] = {
    "an unknown variable is named with what may be meant": (
        action("require(not s.lockd)  # <-"),
        ("no variable `lockd`", "did you mean `locked`?"),
    ),
    "an unknown variable that nothing resembles is just named": (
        action("s.zebra = True  # <-"),
        ("no variable `zebra`",),
    ),
    "a parameter is not assigned": (action("s.atomic = False  # <-"), ("no variable `atomic`",)),
    "a condition of the wrong sort": (action("require(s.pc[n])  # <-"), ("a guard", "boolean", "Pc")),
    "a guard that is a plain value of another sort": (action("require(Pc.IDLE)  # <-"), ("a guard", "boolean", "Pc")),
    "a guard that is no value at all": (action("require(3)  # <-"), ("a guard is given 3",)),
    "an operand of `and` that is not boolean": (
        action("require(s.locked and s.pc[n])  # <-"),
        ("an operand of `and`", "boolean"),
    ),
    "an operand of `not` that is not boolean": (action("require(not s.pc[n])  # <-"), ("the operand of `not`",)),
    "a condition of `if` that is not boolean": (
        action("if s.count:  # <-", "    s.locked = True"),
        ("the condition of `if`", "2..5"),
    ),
    "a value of another enumeration is assigned": (
        action("s.pc[n] = Colour.RED  # <-"),
        ("`pc[...]` has the sort Pc", "Colour"),
    ),
    "a number is assigned to a truth value": (action("s.locked = 1  # <-"), ("`locked` is given 1",)),
    "a number outside of its range is assigned": (action("s.count = 6  # <-"), ("6 is outside 2..5",)),
    "a number outside of its range is compared": (action("require(s.count < 9)  # <-"), ("9 is outside 2..5",)),
    "something else than a positive number is added": (
        action("s.count = s.count + (-1)  # <-"),
        ("only a whole number that is not negative can be added",),
    ),
    "a whole function is assigned": (action("s.pc = Pc.IDLE  # <-"), ("`pc` is a function", "s.pc[n]")),
    "a function stands where a value is needed": (
        action("require(s.marked)  # <-"),
        ("a function of elements stands where a value is needed",),
    ),
    "an optional element is an index": (action("require(s.marked[s.turn])  # <-"), ("the index of `marked`",)),
    "two sorts are compared": (action("require(s.pc[n] == s.locked)  # <-"), ("comparison", "Pc", "boolean")),
    "a member of another enumeration is compared": (
        action("require(s.pc[n] == Colour.RED)  # <-"),
        ("comparison", "Pc", "Colour"),
    ),
    "elements are compared by order": (action("require(n < TOP)  # <-"), ("element", "have no order")),
    "two writes to one place": (
        action("s.locked = True", "s.count = 3", "s.locked = False  # <-"),
        ("`locked` is written twice", "the first write, in line"),
    ),
    "two writes to one element": (
        action("s.pc[n] = Pc.IDLE", "s.pc[n] = Pc.INSIDE  # <-"),
        ("`pc[n]` is written twice",),
    ),
    "a write that a later one hides on one branch": (
        action("if s.locked:", "    s.count = 3", "s.count = 4  # <-"),
        ("`count` is written twice",),
    ),
    "a default that a branch overrides": (
        action("s.locked = True", "if s.marked[n]:", "    s.locked = False  # <-"),
        ("`locked` is written twice",),
    ),
    "a choice by the state between two plain numbers": (
        action("s.count = 2 if s.locked else 3  # <-"),
        ("a value is given 2",),
    ),
    "a subtraction": (action("s.count = s.count - 1  # <-"), ("unsupported operand",)),
    "an addition in place": (action("s.count += 1  # <-"), ("unsupported operand",)),
    "require in a property": (claim("require(s.locked)  # <-", "return True"), ("require(...)", "property")),
    "require in a definition": (definition("require(s.locked)  # <-", "return True"), ("require(...)", "definition")),
    "require under a condition": (
        action("if s.locked:", "    require(s.marked[n])  # <-"),
        ("under a condition or in a loop",),
    ),
    "require in a loop": (
        action("for m in elements():", "    require(s.marked[m])  # <-"),
        ("under a condition or in a loop",),
    ),
    "a write in a property": (claim("s.locked = True  # <-", "return True"), ("`locked` is written", "only read")),
    "a write in a definition": (
        definition("s.pc[n] = Pc.IDLE  # <-", "return True"),
        ("`pc` is written in a definition", "only read"),
    ),
    "a scalar is written in a loop": (
        action("for m in elements():", "    s.locked = s.marked[m]  # <-"),
        ("the scalar `locked` is written in a loop", "any(...)"),
    ),
    "a function is read at another element after it was written in the same loop": (
        action(*LOOP, "    if s.marked[n]:  # <-", "        s.pc[m] = Pc.IDLE"),
        ("`marked` has been written in this loop", "read it before"),
    ),
    "a definition reads what was written in the same loop": (
        definition("return s.marked[n]").replace("act(", "other(")
        + "\n\n"
        + action(*LOOP, "    if wanted(s, n):  # <-", "        s.pc[m] = Pc.IDLE"),
        ("`wanted` reads `marked`", "this loop has already written"),
    ),
    "another element than the loop's own is written in it": (
        action("for m in elements():", "    s.marked[n] = True  # <-"),
        ("the loop's own element only",),
    ),
    "a write in a loop within a loop": (
        action("for m in elements():", "    for k in above(m):", "        s.marked[k] = True  # <-"),
        ("not in a loop within a loop",),
    ),
    "a loop's element is used after the loop": (
        action("for m in elements():", "    s.marked[m] = True", "s.pc[m] = Pc.IDLE  # <-"),
        ("`m`", "after its loop"),
    ),
    "a return in a loop": (
        action("for m in elements():", "    s.marked[m] = True", "    return  # <-"),
        ("no return, break or continue",),
    ),
    "a break in a loop": (
        action("for m in elements():", "    break  # <-"),
        ("no return, break or continue",),
    ),
    "a loop with an else": (
        action("for m in elements():  # <-", "    s.marked[m] = True", "else:", "    s.locked = True"),
        ("has no else",),
    ),
    "a quantifier over pairs": (
        action("require(all(s.marked[a] for a, b in elements()))  # <-"),
        ("binds one plain name",),
    ),
    "elements are iterated outside of a loop": (
        action("for m in [x for x in elements()]:  # <-", "    s.marked[m] = True"),
        ("elements are symbolic",),
    ),
    "elements are counted": (action("require(len(list(elements())) == 2)  # <-"), ("elements are symbolic",)),
    "recursion to the element itself": (
        definition("return wanted(s, n)").replace("@define", "@define  # <-"),
        ("`wanted` calls itself", "below(...)"),
    ),
    "recursion along another relation": (
        definition("return all(wanted(s, m) for m in above(n))").replace("@define", "@define  # <-"),
        ("`wanted` calls itself", "below(...)"),
    ),
    "recursion over all elements": (
        definition("return all(wanted(s, m) for m in elements())").replace("@define", "@define  # <-"),
        ("`wanted` calls itself",),
    ),
    "recursion from another element than its own": (
        definition("return all(wanted(s, m) for m in below(TOP))").replace("@define", "@define  # <-"),
        ("`wanted` calls itself",),
    ),
    "two definitions in terms of each other": (
        "@define  # <-\n"
        "def even(s: State, n: Element) -> bool:\n    return all(odd(s, m) for m in below(n))\n\n"
        "@define\n"
        "def odd(s: State, n: Element) -> bool:\n    return all(even(s, m) for m in below(n))\n\n"
        + action("require(even(s, n))"),
        ("`even` is defined in terms of itself through `odd`",),
    ),
    "a definition without an annotation of its parameter": (
        definition("return True", header="def wanted(s: State, n) -> bool:").replace("@define", "@define  # <-"),
        ("n of the definition `wanted`", "annotation"),
    ),
    "a definition without an annotation of its result": (
        definition("return True", header="def wanted(s: State, n: Element):").replace("@define", "@define  # <-"),
        ("the result of the definition `wanted`", "annotation"),
    ),
    "a definition with an annotation that means nothing": (
        definition("return True").replace("n: Element", "n: Elemnt", 1).replace("@define", "@define  # <-"),
        ("`wanted`", "Elemnt"),
    ),
    "a definition whose result has another sort": (
        definition("return s.pc[n]").replace("@define", "@define  # <-"),
        ("the result of `wanted`", "boolean"),
    ),
    "a definition that returns nothing": (
        definition("s.pc[n]").replace("@define", "@define  # <-"),
        ("the result of `wanted` has the sort boolean, but is given None",),
    ),
    "a definition is called with too many arguments": (
        definition("return True").replace("require(wanted(s, n))", "require(wanted(s, n, n))  # <-"),
        ("`wanted` takes 1 arguments besides the state, not 2",),
    ),
    "a definition is called with the wrong sort": (
        definition("return True").replace("require(wanted(s, n))", "require(wanted(s, s.locked))  # <-"),
        ("the parameter `n` of `wanted`", "element", "boolean"),
    ),
    "a property that is no condition": (
        claim("return s.pc[n]").replace("@always", "@always", 1).replace('wrong="no")', 'wrong="no")  # <-'),
        ("the property `Fine`", "boolean", "Pc"),
    ),
    "an undecorated helper compares in plain Python": (
        "def helper(s, n):\n    return s.pc[n] == Pc.IDLE  # <-\n\n" + action("require(helper(s, n))"),
        ("compared in plain Python", "@define"),
    ),
    "an undecorated helper compares two values of the state": (
        "def helper(s, n):\n    return s.pc[n] == s.pc[TOP]  # <-\n\n" + action("require(helper(s, n))"),
        ("compared in plain Python", "@define"),
    ),
    "an undecorated helper compares a value of the state with itself": (
        "def helper(s, n):\n    return s.pc[n] != s.pc[n]  # <-\n\n" + action("require(not helper(s, n))"),
        ("compared in plain Python", "@define"),
    ),
    "an undecorated helper asks for a truth value": (
        "def helper(s, n):\n    return s.locked and s.marked[n]  # <-\n\n" + action("require(helper(s, n))"),
        ("plain truth value", "@define"),
    ),
    "an undecorated helper looks a value of the state up in a set": (
        "def helper(s, n):\n    return s.pc[n] in {Pc.IDLE, Pc.INSIDE}  # <-\n\n" + action("require(helper(s, n))"),
        ("plain Python", "@define"),
    ),
    "an undecorated helper compares a whole function": (
        "def helper(s, n):\n    return s.marked == s.pc  # <-\n\n" + action("require(helper(s, n))"),
        ("`marked` is a function",),
    ),
    "a while loop on the state": (
        action("while s.locked:  # <-", "    s.locked = False"),
        ("plain truth value",),
    ),
    "a local is assigned under a condition on the state": (
        action("new = Pc.IDLE", "if s.locked:  # <-", "    new = Pc.INSIDE", "s.pc[n] = new"),
        ("`new` is assigned under a condition on the state", "a if condition else b"),
    ),
    "an early return in the middle of an if": (
        action("if s.locked:  # <-", "    if s.marked[n]:", "        return", "    s.locked = False", "s.count = 3"),
        ("an early return stands last",),
    ),
    "an early return of a value after something else": (
        definition("if s.locked:  # <-", "    return True", "x = s.marked[n]", "return x"),
        ("is followed by another such line",),
    ),
    "an action without a docstring": (
        '@action("process")  # <-\ndef act(s: State, n: Element) -> None:\n    s.locked = True',
        ("`act` has no docstring",),
    ),
    "a property without a docstring": (
        claim("return True").replace('    """Fine."""\n', "").replace('wrong="no")', 'wrong="no")  # <-'),
        ("`Fine` has no docstring",),
    ),
    "an action for two elements that says not over what": (
        action("s.locked = True").replace("n: Element", "n: Element, p: Element").replace(")", ")  # <-", 1),
        ("`act` is for two elements", "`over`"),
    ),
    "an action for three elements": (
        action("s.locked = True", header="def act(s: State, n: Element, p: Element, q: Element) -> None:").replace(
            ")", ")  # <-", 1
        ),
        ("at most 2 elements",),
    ),
    "a property for two elements": (
        claim("return True").replace("n: Element", "n: Element, m: Element").replace('"no")', '"no")  # <-'),
        ("at most 1 element,",),
    ),
    "a lambda is given": (
        'act = action("process")(lambda s, n: None)  # <-',
        ("plain `def` functions", "lambda"),
    ),
    "a coroutine is given": (
        action("s.locked = True").replace("def act", "async def act").replace(")", ")  # <-", 1),
        ("plain `def` functions",),
    ),
    "two actions of one name": (
        action("s.locked = True")
        + "\nfirst = act\ndel act\n\n"
        + action("s.locked = False").replace(")", ")  # <-", 1),
        ("two actions", "`act`"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_reported_where_it_is_made(name: str, tmp_path: Path) -> None:
    """File and line are those of the marked line, and one sentence says what is wrong there."""
    text, words = MISTAKES[name]
    module, path = loaded(text, tmp_path)
    with pytest.raises(SpecificationError) as caught:
        built(module)
    error = caught.value
    (line,) = [i for i, x in enumerate(path.read_text().splitlines(), 1) if x.endswith("# <-")]
    assert (error.file, error.line) == (str(path), line), error
    assert str(error) == f"{path}:{line}: {error.problem}"
    assert "\n" not in error.problem
    for word in words:
        assert word in error.problem


@pytest.mark.parametrize(
    ("declared", "word"),
    [
        ("x: int = scalar(int, 0, group='g', doc='d')", "no finite sort"),
        ("x: int = scalar(range(0), 0, group='g', doc='d')", "no finite sort"),
        ("x: int = scalar(range(3), 3, group='g', doc='d')", "starts as 3"),
        ("x: bool = scalar(bool, None, group='g', doc='d')", "starts as None"),
        ("x: Pc = per_element(Pc, Colour.RED, group='g', doc='d')", "starts as"),
        ("x: Element = scalar(Element, None, group='g', doc='d')", "starts as None"),
    ],
)
def test_a_variable_with_a_wrong_declaration_is_reported_in_its_line(declared: str, word: str, tmp_path: Path) -> None:
    """No sort, or an initial value outside of it."""
    module, path = loaded(f"class State(StateBase):\n    {declared}  # <-\n", tmp_path)
    with pytest.raises(SpecificationError, match=word) as caught:
        built(module)
    lines = path.read_text().splitlines()
    assert lines[caught.value.line - 1].endswith("# <-")
    assert caught.value.file == str(path)
    assert "`x`" in caught.value.problem


def test_text_of_a_specification_does_not_run_by_itself(tmp_path: Path) -> None:
    """A definition called outside of `build` says so, at the caller's line."""
    module, _ = loaded(definition("return s.locked"), tmp_path)
    with pytest.raises(SpecificationError, match="runs only while a specification is built") as caught:
        module.wanted(None, None)
    assert caught.value.file == __file__


def test_a_function_without_source_is_refused(tmp_path: Path) -> None:
    """A function that was made by `exec` has no text to read."""
    module, _ = loaded("", tmp_path)
    exec("@action('process')\ndef act(s):\n    'It acts.'\n", vars(module))
    with pytest.raises(SpecificationError, match="the source of act cannot be read"):
        built(module)


def test_a_plain_python_error_in_the_text_stays_one_with_its_place(tmp_path: Path) -> None:
    """A TypeError in the text (here: a call with too few arguments) is a mistake of the line that makes it."""
    module, path = loaded(action("require(special())  # <-"), tmp_path)
    with pytest.raises(SpecificationError, match="missing 1 required positional argument") as caught:
        built(module)
    assert path.read_text().splitlines()[caught.value.line - 1].endswith("# <-")


WELL_FORMED = {
    "a choice of the design under which a local is assigned": action(
        "new = Pc.IDLE", "if s.atomic:", "    new = Pc.INSIDE", "s.pc[n] = new"
    ),
    "a local that lives within one branch": action("if s.locked:", "    new = Pc.INSIDE", "    s.pc[n] = new"),
    "two writes of which the first is read": action("s.locked = True", "s.marked[n] = s.locked", "s.locked = False"),
    "two writes on two branches": action("if s.locked:", "    s.count = 3", "else:", "    s.count = 4"),
    "a loop that reads before it writes": action(
        "for m in elements():", "    s.pc[m] = Pc.IDLE if s.marked[n] else Pc.INSIDE", "    s.marked[m] = True"
    ),
    "recursion along the relation": definition("return s.marked[n] and all(wanted(s, m) for m in below(n))"),
}


@pytest.mark.parametrize("name", WELL_FORMED)
def test_what_is_next_to_a_mistake_is_none(name: str, tmp_path: Path) -> None:
    """The rules refuse no more than they have to."""
    module, _ = loaded(WELL_FORMED[name], tmp_path)
    assert [a.name for a in built(module).actions] == ["act"]


LACKING = {
    "relation `above`": action("require(any(s.marked[m] for m in above(n)))"),
    "predicate `special`": action("require(special(n))"),
    "element named `top`": action("require(s.marked[TOP])"),
    "relation `below`": '@action("process", over="below")\n'
    'def act(s: State, n: Element, m: Element) -> None:\n    """{n} acts."""\n    s.locked = True',
}


@pytest.mark.parametrize("what", LACKING)
def test_a_structure_that_lacks_what_the_text_asks_for_is_bad_input(what: str, tmp_path: Path) -> None:
    """The sentence names the structure and what it lacks."""
    module, _ = loaded(LACKING[what], tmp_path)
    with pytest.raises(InputError) as caught:
        GroundSpecification(built(module), Structure("bare", ("a", "b")))
    assert str(caught.value) == f"the structure bare has no {what}"
