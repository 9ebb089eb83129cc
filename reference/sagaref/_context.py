"""What an action is given: its saga, its node, the parameters, the outputs of the nodes that it depends on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sagaref._actions import Action
from sagaref._dag import Dag

__all__ = ["ActionContext"]


class ActionContext:
    """The view that one run of an action, or of an undo action, has of its saga.

    Attributes:
        saga_id: the saga's id.
        node: the index of the action's node, the same in every run and every process.
        label: its label.
        resources: the object that the executor was given for its actions.
    """

    def __init__(
        self, saga_id: str, dag: Dag, n: int, action: Action, outputs: Mapping[int, str], resources: Any
    ) -> None:
        self.saga_id = saga_id
        self.node = n
        self.label = dag.labels[n]
        self.resources = resources
        self._dag = dag
        self._action = action
        self._outputs = outputs

    @property
    def key(self) -> str:
        """A text that is the same for every run of this node and for no other: for idempotence."""
        return f"{self.saga_id}/{self.node}"

    @property
    def params(self) -> Any:
        """The parameters of the saga, or of the subsaga that the node is in."""
        scope = self._dag.scopes[self.node]
        if scope == self._dag.start:
            return json.loads(json.dumps(self._dag.nodes[scope].value))
        return json.loads(self._outputs[scope])

    def lookup(self, name: str) -> Any:
        """The output of the node of this name, on which this one depends, in the same saga or subsaga.

        Raises:
            LookupError: the action does not declare that it reads it.
            BuildError: there is no such node (only in a saga whose DAG was not built for these actions).
        """
        if name not in self._action.reads:
            raise LookupError(
                f"action {self._action.name} looks up {name!r} without declaring it; add it to its `reads`"
            )
        return json.loads(self._outputs[self._dag.find(self.node, name)])

    @property
    def output(self) -> Any:
        """In an undo action: the output of the action.

        Raises:
            LookupError: the action has not succeeded yet.
        """
        if self.node not in self._outputs:
            raise LookupError("an action has no output of its own before it has succeeded; only its undo action does")
        return json.loads(self._outputs[self.node])
