"""What the reference executor shows to others, what it imports, and that its layers are those that it says."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import sagaref

ROOM = Path(sagaref.__file__).parent
MODULES = sorted(p for p in ROOM.glob("*.py") if p.stem != "__init__")


def imported(path: Path, *, whenever: bool = True) -> set[str]:
    """The modules that a source file imports; without `whenever` only those that it needs to be imported itself."""
    tree = ast.parse(path.read_text("utf-8"))
    nodes = ast.walk(tree) if whenever else iter(tree.body)
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def layers() -> list[set[str]]:
    """The modules by layer, as the docstring of the package has them: a line of names, then what they are."""
    assert sagaref.__doc__ is not None
    found: list[set[str]] = []
    for line in sagaref.__doc__.splitlines():
        names = re.match(r"    (_\w+(?:, _\w+)*)", line)
        if names:
            found.append(set(names[1].split(", ")) | set(re.findall(r"_\w+", line)))
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.stem)
def test_it_imports_neither_the_specification_nor_the_checker(path: Path) -> None:
    """The executor is held to the specification from outside, and so shares nothing with it."""
    assert not [name for name in imported(path) if name.split(".")[0] in ("sagacheck", "sagaspec")]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.stem)
def test_every_module_imports_only_from_its_layer_and_those_above(path: Path) -> None:
    """The map in the package's docstring names every module, and imports run one way."""
    order = layers()
    (own,) = [i for i, layer in enumerate(order) if path.stem in layer]
    above = set().union(*order[: own + 1])
    used = {name.removeprefix("sagaref.") for name in imported(path, whenever=False) if name.startswith("sagaref.")}
    assert used <= above


def test_the_public_names_are_sorted_and_there() -> None:
    """`__all__` has each name once, in ruff's order, nothing that is missing, and whatever is imported to be shown."""
    names = sagaref.__all__
    assert names == sorted(names, key=lambda n: (0 if n.isupper() else 1 if n[0].isupper() else 2, n))
    assert len(names) == len(set(names))
    tree = ast.parse((ROOM / "__init__.py").read_text("utf-8"))
    assert {a.name for n in tree.body if isinstance(n, ast.ImportFrom) for a in n.names} == set(names)
    assert all(hasattr(sagaref, name) for name in names)


@pytest.mark.parametrize("path", [p for p in MODULES if p.stem != "__main__"], ids=lambda p: p.stem)
def test_every_module_says_its_job_and_what_it_exports(path: Path) -> None:
    """Each module has a docstring, and an `__all__` whose names exist."""
    module = importlib.import_module(f"sagaref.{path.stem}")
    assert module.__doc__
    assert all(hasattr(module, name) for name in module.__all__)


def test_importing_it_needs_the_standard_library_only() -> None:
    """The library has no dependency of its own; psycopg is imported when a PostgreSQL store is made."""
    code = (
        "import sys; before = set(sys.modules); import sagaref; "
        "print(sorted({m.split('.')[0] for m in set(sys.modules) - before} - set(sys.stdlib_module_names)))"
    )
    path = ":".join(p for p in sys.path if p)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": path}
    )
    assert done.stdout.strip() == "['sagaref']"
