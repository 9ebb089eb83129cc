"""What the injection points cost when no hook is installed: `python tests/bench/hooks.py [--rounds N] [--json]`.

The executor as it is runs against one without the hook layer, which nobody maintains: it is the same source, from whose
syntax tree every statement `if self.reach is not None: ...` and `if self._hook is not None: ...` has been taken out.
All executors are loaded in the same way, under names of their own: `plain`, without the layer; `none`, with it and no
hook; `hook`, with it and a hook that does nothing; and `twin`, another `plain`, which says how much is noise.

In each round each of them runs the same sagas twice, in an order and in the reverse of it. The ratio of a round is that
of the sagas per second of CPU time, over those of `plain`; what counts is the median of the rounds. It runs on one
CPU where it can be pinned to it, and garbage is collected between the runs and not in them.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import gc
import importlib
import importlib.machinery
import importlib.util
import json
import os
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

__all__ = ["SITES", "Layer", "load", "main", "measure"]

# Where a hook is looked for, in which module how often. Whoever adds or removes a point says so here.
SITES = {"_execution": 1, "_executor": 1, "_recorder": 8}
GUARDED = ("self.reach is not None", "self._hook is not None")
ENOUGH = 0.98


class Layer(ast.NodeTransformer):
    """Renames the package in its own imports and, if told to, takes the hook layer out.

    Attributes:
        taken_out: how many statements.
    """

    def __init__(self, name: str, *, without: bool) -> None:
        self._name = name
        self._without = without
        self.taken_out = 0

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom:
        """From the package as it is called here."""
        node.module = self._renamed(node.module or "")
        return node

    def visit_Import(self, node: ast.Import) -> ast.Import:
        """There is none of the package itself: it would have to be renamed wherever it is used."""
        assert all(alias.name.partition(".")[0] != "sagaref" for alias in node.names), ast.unparse(node)
        return node

    def visit_If(self, node: ast.If) -> ast.AST | None:
        """Nothing, where it looks for a hook."""
        self.generic_visit(node)
        if not self._without or ast.unparse(node.test) not in GUARDED:
            return node
        assert not node.orelse, ast.unparse(node)
        self.taken_out += 1
        return None

    def _renamed(self, module: str) -> str:
        top, dot, rest = module.partition(".")
        return f"{self._name}{dot}{rest}" if top == "sagaref" else module


class _Loader(importlib.machinery.SourceFileLoader):
    """Loads a module of a copy of the package."""

    def get_code(self, fullname: str) -> CodeType:
        """The code of the changed source; nothing is cached."""
        package, _, module = fullname.partition(".")
        layer = Layer(package, without=package in _without)
        tree = layer.visit(ast.parse(Path(self.path).read_text("utf-8"), self.path))
        assert layer.taken_out == (SITES.get(module, 0) if package in _without else 0), (fullname, layer.taken_out)
        return compile(ast.fix_missing_locations(tree), self.path, "exec", dont_inherit=True)


class _Finder:
    """Finds the modules of the copies."""

    @staticmethod
    def find_spec(fullname: str, *_: Any) -> importlib.machinery.ModuleSpec | None:
        """A module of a copy, beside that of the package."""
        package, dot, module = fullname.partition(".")
        if package not in _copies:
            return None
        path = _source() / f"{module if dot else '__init__'}.py"
        return importlib.util.spec_from_file_location(
            fullname,
            path,
            loader=_Loader(fullname, str(path)),
            submodule_search_locations=None if dot else [],
        )


_copies: set[str] = set()
_without: set[str] = set()


def _source() -> Path:
    spec = importlib.util.find_spec("sagaref")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def load(name: str, *, without: bool) -> ModuleType:
    """A copy of `sagaref` under this name, with the hook layer or without it; its modules are loaded now.

    Raises:
        AssertionError: the layer is not what `SITES` says.
    """
    if not _copies:
        sys.meta_path.insert(0, _Finder)  # type: ignore[arg-type]
    _copies.add(name)
    if without:
        _without.add(name)
    return importlib.import_module(name)


class Runner:
    """Runs sagas of ten nodes, beside start and end, on one copy of the package; no action does anything."""

    def __init__(self, package: ModuleType, hook: Any = None) -> None:
        self._package = package
        self._hook = hook
        self._registry = package.ActionRegistry()
        self._registry.register("act", _act, _act)
        builder = package.DagBuilder("ten")
        groups = (1, 3, 2, 3, 1)
        for number, group in enumerate(groups):
            builder.append_parallel(*(package.action(f"n{number}_{k}", "act") for k in range(group)))
        self._dag = builder.build(self._registry)

    def run(self, sagas: int) -> float:
        """The CPU time of so many sagas, in seconds."""
        return asyncio.run(self._run(sagas))

    async def _run(self, sagas: int) -> float:
        executor = self._package.Executor(self._package.MemoryStore(), self._registry, hook=self._hook)
        began = time.process_time()
        for number in range(sagas):
            result = await executor.run(self._dag, saga_id=str(number))
            assert result.ending is self._package.Ending.SUCCEEDED, result
        return time.process_time() - began


async def _act(_: Any) -> int:
    return 1


async def _no_hook(_: Any) -> None:
    """A hook that does nothing."""


def measure(rounds: int, sagas: int) -> dict[str, Any]:
    """The sagas per second of each executor, and its ratio to the one without the layer.

    Args:
        rounds: how many; the first is not counted.
        sagas: how many sagas make a run.
    """
    plain = load("sagaref_without_hooks", without=True)
    twin = load("sagaref_without_hooks_either", without=True)
    full = load("sagaref_with_hooks", without=False)
    runners = {"plain": Runner(plain), "none": Runner(full), "hook": Runner(full, _no_hook), "twin": Runner(twin)}
    order = list(runners)
    rates: dict[str, list[float]] = {name: [] for name in runners}
    gc.collect()
    gc.disable()
    try:
        for number in range(rounds + 1):
            order.append(order.pop(0))  # nobody is always the first
            spent = dict.fromkeys(runners, 0.0)
            for name in (*order, *reversed(order)):
                spent[name] += runners[name].run(sagas)
                gc.collect()
            if number:
                for name, seconds in spent.items():
                    rates[name].append(2 * sagas / seconds)
    finally:
        gc.enable()
    ratios = {
        name: _spread([rate / base for rate, base in zip(rates[name], rates["plain"], strict=True)])
        for name in runners
        if name != "plain"
    }
    return {
        "rounds": rounds,
        "sagas_per_round": 2 * sagas,
        "sagas_per_second": {name: _spread(of) for name, of in rates.items()},
        "ratio_to_plain": ratios,
        "enough": ENOUGH,
        "passed": ratios["none"]["median"] >= ENOUGH,
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    low, median, high = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    return {"min": min(values), "quartile": low, "median": median, "three_quartiles": high, "max": max(values)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; exit code 1 if no hook costs more than noise."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=300, help="how many rounds (default: %(default)s)")
    parser.add_argument("--sagas", type=int, default=5, help="how many sagas in a run (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    if options.rounds < 1 or options.sagas < 1:
        parser.error("there must be at least one round of one saga")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    found = measure(options.rounds, options.sagas)
    print(json.dumps(found, indent=2) if options.json else _table(found))  # noqa: T201
    return 0 if found["passed"] else 1


def _table(found: dict[str, Any]) -> str:
    names = {
        "plain": "without the hook layer",
        "none": "with it, no hook",
        "hook": "with it, a hook that does nothing",
        "twin": "without it, once more (noise)",
    }
    head = ("sagas per second", "ratio: median", "quartiles", "range")
    lines = [f"{'':34}{head[0]:>18}{head[1]:>16}{head[2]:>18}{head[3]:>18}"]
    for name, text in names.items():
        line = f"{text:34}{found['sagas_per_second'][name]['median']:18.0f}"
        if name != "plain":
            of = found["ratio_to_plain"][name]
            quartiles = f"{of['quartile']:.3f} to {of['three_quartiles']:.3f}"
            line += f"{of['median']:16.4f}{quartiles:>18}{of['min']:>9.3f} to {of['max']:.3f}"
        lines.append(line)
    verdict = "enough" if found["passed"] else "NOT ENOUGH"
    lines.append(
        f"{found['rounds']} rounds of {found['sagas_per_round']} sagas each; "
        f"no hook must come to {found['enough']} or more: {verdict}"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
