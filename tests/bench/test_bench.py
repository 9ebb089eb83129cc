"""The benchmark of the hooks runs, and what it compares with has no hooks; what it measures is not judged here."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import hooks

import sagaref


def transformed(source: str, *, without: bool = True) -> tuple[str, int]:
    """What becomes of a source, and how many statements have been taken out of it."""
    layer = hooks.Layer("copy", without=without)
    return ast.unparse(layer.visit(ast.parse(source))), layer.taken_out


def test_each_statement_that_looks_for_a_hook_is_taken_out_and_no_other() -> None:
    """In every module of the executor, and nothing that awaits a hook is left in those who come to a point."""
    for path in Path(sagaref.__file__).parent.glob("*.py"):
        source = path.read_text("utf-8")
        text, count = transformed(source)
        assert count == hooks.SITES.get(path.stem, 0), path
        assert "await self.reach(" not in text, path
        assert "await self._reach(" not in text, path
        kept, none = transformed(source, without=False)
        assert none == 0
        assert len(kept.splitlines()) == len(text.splitlines()) + 2 * count, path  # an `if`, and what it guards


def test_the_copy_without_the_layer_comes_to_no_point() -> None:
    """A hook that is installed there is never awaited, and one with the layer is."""
    reached: dict[bool, list[str]] = {}
    for without in (True, False):
        package = hooks.load(f"sagaref_copy_{'without' if without else 'with'}", without=without)
        points = reached[without] = []

        async def hook(point: object, points: list[str] = points) -> None:
            points.append(point.step)  # type: ignore[attr-defined]

        assert package.Executor.__module__.startswith("sagaref_copy_")
        hooks.Runner(package, hook).run(1)
    assert not reached[True]
    assert {"recover", "kick_off", "start_lands", "succeed", "success_lands", "take_success"} <= set(reached[False])


def test_the_benchmark_prints_ratios_and_their_spread() -> None:
    """As JSON, and as a table."""
    program = Path(hooks.__file__)
    command = [sys.executable, str(program), "--rounds", "2", "--sagas", "2"]
    printed = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
    found = json.loads(printed.stdout)
    assert printed.returncode == (0 if found["passed"] else 1), printed.stderr
    for ratio in found["ratio_to_plain"].values():
        assert 0 < ratio["min"] <= ratio["quartile"] <= ratio["median"] <= ratio["three_quartiles"] <= ratio["max"]
    table = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    assert "with it, no hook" in table
    assert "2 rounds of 4 sagas each" in table
