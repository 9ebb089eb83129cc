"""Claims about broken rules of the executor: the walks notice each of them.

Each break is a text of a module of `sagaref` replaced by another; the copy is run in a process of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sagaref

PACKAGE = Path(sagaref.__file__).parent
HERE = Path(__file__).parent
DAGS = {"diamond": 150, "a,b>c,d": 300}

NOTHING = ("_memory.py", "class Memory", "class Memory")
# What changes nothing that can be reached is not among them, such as kick_off's look at `stopping`: whenever it is set,
# the queues are empty.
BREAKS = [
    (
        "_memory.py",
        "            if self.all_undone(self.dag.children[n]):\n                self.queue_undo",
        "            if False:\n                self.queue_undo",
    ),
    ("_memory.py", "        if self.all_undone(self.dag.children[n]):\n            self.undone", "        if False:\n            self.undone"),
    ("_memory.py", "if all(p in self.node_outputs for p in self.dag.parents[c]):", "if True:"),
    ("_memory.py", "        if self.stopping and not self.node_tasks:\n            self.phase = Phase.DONE", "        pass"),
    ("_memory.py", "        if self.stopping:\n            return False\n", ""),
    ("_memory.py", "elif not self.stopping:\n            walk", "else:\n            walk"),
    ("_memory.py", "self._mark(p, Undone.FAILED, walk)", "self._mark(p, Undone.NEVER_RAN, walk)"),
    ("_memory.py", "        if not self.node_tasks:\n            self.phase = Phase.DONE\n\n    def may", "        self.phase = Phase.DONE\n\n    def may"),
    ("_recovery.py", "if status is Load.UNDO_STARTED or ready_to_undo:", "if status is Load.UNDO_STARTED:"),
    ("_recovery.py", "Load.FAILED: frozenset((Load.SUCCEEDED, *_UNDOING))", "Load.FAILED: frozenset((Load.SUCCEEDED,))"),
    ("_recovery.py", "for n in reversed(dag.topological) if unwinding else", "for n in"),
    ("_recorder.py", "        if not again:\n            self.memory", "        again = False\n        if self.memory.log_copy[n] in (Load.NEVER_STARTED, Load.SUCCEEDED):\n            self.memory"),
    ("_recorder.py", "await self.write_completion(start, outcome)\n        await self.report(start, outcome)", "await self.report(start, outcome)\n        await self.write_completion(start, outcome)"),
    ("_execution.py", "if await recorder.take(await recorder.inbox.get()):", "if await recorder.take(await recorder.inbox.get()) and False:"),
    ("_execution.py", "        if not memory.is_done:", "        if True:"),
]  # fmt: skip


def followed(where: Path, module: str, old: str, new: str) -> bool:
    """Whether the executor with this text replaced follows the walks of the specification."""
    copy = where / "sagaref"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    text = (copy / module).read_text("utf-8")
    assert text.count(old) == 1, f"{module} has {text.count(old)} times: {old}"
    (copy / module).write_text(text.replace(old, new), "utf-8")
    path = [str(where), str(HERE.parent), str(HERE)]
    code = (
        f"import sys; sys.path[:0] = {path!r}\n"
        f"import sagaref; assert sagaref.__file__.startswith({str(where)!r})\n"
        "from test_walks import follow\n"
        "print('begun', flush=True)\n"
        f"for dag, count in {DAGS!r}.items(): follow(dag, count)\n"
        "print('followed')\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=600, check=False, env=dict(os.environ)
    )
    assert ran.stdout.startswith("begun"), ran.stderr
    return ran.stdout.endswith("followed\n")


def test_the_executor_as_it_is_follows_the_walks(tmp_path: Path) -> None:
    """Nothing but the break makes a walk fail below."""
    assert followed(tmp_path, *NOTHING)


@pytest.mark.long
@pytest.mark.parametrize(("module", "old", "new"), BREAKS, ids=[f"{i}-{b[0]}" for i, b in enumerate(BREAKS)])
def test_a_broken_rule_is_noticed(tmp_path: Path, module: str, old: str, new: str) -> None:
    """A walk is refused, diverges, or fails an assertion of the executor."""
    assert not followed(tmp_path, module, old, new)
