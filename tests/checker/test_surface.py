"""What sagacheck shows to others, what it costs to import it, and what its engine does not know."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import sagacheck
import sagacheck.language

ENGINE = Path(sagacheck.__file__).parent
MODULES = sorted(ENGINE.glob("*.py"))
# words of the executor that the default specification is about; the engine, which serves any specification, has none
FOREIGN = re.compile(r"(?i)sagaspec|sagaref|steno|omicron|unwind|\bundo|undone|\bdag\b|\bnodes?\b|durable log")
# the engine proper: the language, the ground layer, the explorer and the verdicts (not reports, not the command line)
CORE = (
    "_sorts",
    "_expr",
    "_specification",
    "_structure",
    "_front",
    "_tracing",
    "_handlers",
    "_language",
    "_build",
    "language",
    "_ground",
    "_ground_expr",
    "_compile",
    "_engine",
    "_explore",
    "_liveness",
    "_check",
    "_verdict",
    "_errors",
)


def identifiers(path: Path) -> set[str]:
    """Every name, attribute, argument, definition and imported module in a source file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        for field in ("id", "attr", "arg", "name", "module"):
            value = getattr(node, field, None)
            if isinstance(value, str):
                found.add(value)
    return found


def in_a_process(code: str) -> str:
    """What a fresh interpreter prints."""
    path = ":".join(p for p in sys.path if p)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": path}
    )
    return done.stdout.strip()


@pytest.mark.parametrize("module", [sagacheck, sagacheck.language], ids=lambda m: m.__name__)
def test_the_public_names_are_sorted_and_there(module: object) -> None:
    """`__all__` has each name once, in ruff's order (constants, classes, functions), and nothing that is missing."""
    names: list[str] = module.__all__  # type: ignore[attr-defined]
    assert names == sorted(names, key=lambda n: (0 if n.isupper() else 1 if n[0].isupper() else 2, n))
    assert len(names) == len(set(names))
    assert [n for n in names if not hasattr(module, n)] == []


@pytest.mark.parametrize("module", [sagacheck, sagacheck.language], ids=lambda m: m.__name__)
def test_every_name_that_is_imported_to_be_shown_is_shown(module: object) -> None:
    """The facade modules import nothing that they do not export."""
    tree = ast.parse(Path(module.__file__).read_text())  # type: ignore[attr-defined]
    imported = {a.asname or a.name for n in tree.body if isinstance(n, ast.ImportFrom) for a in n.names}
    assert imported == set(module.__all__)  # type: ignore[attr-defined]


def test_public_names_come_from_one_place() -> None:
    """The two public modules share no name, so that there is one way to import each."""
    assert set(sagacheck.__all__) & set(sagacheck.language.__all__) == set()


@pytest.mark.parametrize("path", [p for p in MODULES if p.stem != "__main__"], ids=lambda p: p.stem)
def test_every_module_says_what_it_exports(path: Path) -> None:
    """Each module has a docstring, and an `__all__` whose names exist."""
    module = importlib.import_module("sagacheck" if path.stem == "__init__" else f"sagacheck.{path.stem}")
    assert module.__doc__
    assert [n for n in module.__all__ if not hasattr(module, n)] == []


def test_importing_is_light() -> None:
    """Neither package imports anything heavy or optional."""
    heavy = ("z3", "numpy", "rich", "typer", "click", "hypothesis", "networkx", "jsonschema")
    code = f"import sys, sagacheck, sagacheck.language, sagaspec; print([m for m in {heavy!r} if m in sys.modules])"
    assert in_a_process(code) == "[]"


def test_the_engine_imports_no_specification() -> None:
    """No module of `sagacheck` imports from `sagaspec` or `sagaref`."""
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [n for n in names if n.split(".")[0] in ("sagaspec", "sagaref")], path.name


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.stem)
def test_no_identifier_of_the_checker_is_a_word_of_sagas(path: Path) -> None:
    """Neither the engine nor the reports name anything after what an executor does; `saga` is in package names only."""
    words = {w.lower() for n in identifiers(path) for w in re.split(r"[._]+|(?<=[a-z])(?=[A-Z])", n)}
    assert words & {"saga", "sagas", "dag", "undo", "undone", "unwind", "unwinding", "steno", "omicron"} == set()


@pytest.mark.parametrize("name", CORE)
def test_the_core_does_not_even_speak_of_sagas(name: str) -> None:
    """Comments and strings of the core have no word of the domain, except where a docstring gives it as an example."""
    text = (ENGINE / f"{name}.py").read_text()
    examples = [
        "a node of a DAG, a process",
        "such as the DAG of a saga",
        "the parents of a node",
        "the start node",
        "such as a node",
        "durable log",
    ]
    for example in examples:
        text = text.replace(example, "")
    if name == "_front":  # where a node is one of Python's syntax tree
        text = re.sub(r"\bnodes?\b", "", text)
    assert FOREIGN.findall(text) == []
