"""Drives the adapter along a schedule that is written down, for tests and for people who want to look."""

from __future__ import annotations

import functools
import importlib.resources
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from lg_world import durable_outputs

import sagaspec

__all__ = ["Drive", "stale"]

_ADAPTER = Path(__file__).with_name("adapter.py")


@functools.cache
def _validator(name: str) -> Draft202012Validator:
    file = importlib.resources.files("sagacheck").joinpath("schemas", "protocol", f"{name}.schema.json")
    return Draft202012Validator(json.loads(file.read_text("utf-8")))


class Drive:
    """The adapter, in a process of its own, with a saga; every reply is held against its schema.

    Args:
        folder: where the files of the sagas are kept.
        options: of the adapter, as on its command line.

    Attributes:
        replies: every reply so far, to compare one run with another. reply: the last one.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        self._folder = folder
        self._loads = 0
        self.replies: list[dict[str, Any]] = []
        command = [sys.executable, str(_ADAPTER), "--keep", str(folder), *options]
        self._adapter = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._ask("hello", protocol=1)

    def __enter__(self) -> Drive:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._adapter.stdin is not None
        assert self._adapter.stdout is not None
        self._adapter.stdin.close()
        self._adapter.wait(10)
        self._adapter.stdout.close()

    def load(self, dag: str) -> None:
        """Begin with a new saga, a text such as chain:2."""
        self._loads += 1
        self.replies = []
        loaded = sagaspec.domain.load(dag, {})
        relations = {name: [list(r) for r in related] for name, related in loaded.relations.items()}
        predicates = {name: list(truth) for name, truth in loaded.predicates.items()}
        self._ask(
            "load",
            document=loaded.document,
            labels=list(loaded.labels),
            relations=relations,
            predicates=predicates,
            environment={},
        )

    def take(self, schedule: str) -> dict[str, Any]:
        """Take steps such as `succeed(a); crash`; every one is on offer, or it is an error. What can be seen then."""
        for step in filter(None, map(str.strip, schedule.split(";"))):
            outcome = self.ask(step)
            assert outcome == "taken", f"{step} is {outcome}; on offer: {self.offers}"
        return self.state

    def ask(self, step: str) -> str:
        """Ask for a step; its outcome."""
        found = re.fullmatch(r"(\w+)(?:\((\w+)\))?", step)
        assert found is not None
        outcome: str = self._ask("step", step=found[1], node=found[2])["outcome"]
        return outcome

    def forward(self) -> str:
        """A step that takes the run on, the first of them by name; "" at its end."""
        steps = sorted(o for o in self.offers if o.startswith(("take_effect", "succeed", "success_lands", "recover")))
        return next(iter(steps), "")

    @property
    def reply(self) -> dict[str, Any]:
        """The last one."""
        return self.replies[-1]

    @property
    def state(self) -> dict[str, Any]:
        """The variables that can be seen."""
        state: dict[str, Any] = self.reply["state"]
        return state

    @property
    def offers(self) -> set[str]:
        """What is on offer, each as `step` or `step(node)`."""
        return {o["step"] + (f"({o['node']})" if o["node"] else "") for o in self.reply["offers"]}

    @property
    def files(self) -> Path:
        """The folder with the files of the saga."""
        return self._folder / str(self._loads)

    @property
    def database(self) -> Path:
        """The file of the checkpointer."""
        return self.files / "checkpoints.sqlite"

    def _ask(self, command: str, **more: Any) -> dict[str, Any]:
        assert self._adapter.stdin is not None
        assert self._adapter.stdout is not None
        message = {"command": command, **more}
        _validator(command).validate(message)
        self._adapter.stdin.write(json.dumps(message) + "\n")
        self._adapter.stdin.flush()
        reply: dict[str, Any] = json.loads(self._adapter.stdout.readline())
        _validator(f"{command}-reply").validate(reply)
        self.replies.append(reply)
        return reply


def stale(database: Path) -> list[tuple[str, str]]:
    """(node, parent) of every durable output that was built from another output of the parent than the durable one."""
    outputs = durable_outputs(database)
    return [
        (node, parent)
        for node, output in outputs.items()
        for parent, run in output["inputs"].items()
        if parent not in outputs or outputs[parent]["run"] != run
    ]
