"""What can go wrong, one class for each thing that a caller can do about it.

    SagaError
    ├── BuildError            the saga was put together wrongly: mend the code that builds it
    │   └── DagFormatError    a serialized DAG is not one: mend the file
    ├── NoSuchSaga            there is no saga of that id in the store: ask for another
    ├── SagaExists            a saga of that id was created before: choose another id, or use that saga
    ├── Unrecoverable         the log of a saga cannot be recovered: a person has to look at it
    ├── SagaStopped           a saga stopped before its end: resume it when the cause, `__cause__`, is mended
    ├── StoreError            the store failed for good
    │   ├── TransientStoreError   the store failed, and the same call may succeed later
    │   └── Superseded        another executor has taken the saga: leave it to that one
    └── Inconsistent          an assertion of the executor failed: report it

`ActionFailed` is no error of this library: an action raises it to fail with a cause of its own.
"""

from __future__ import annotations

import enum
from typing import Any

__all__ = [
    "ActionFailed",
    "Assertion",
    "BuildError",
    "DagFormatError",
    "Inconsistent",
    "NoSuchSaga",
    "SagaError",
    "SagaExists",
    "SagaStopped",
    "StoreError",
    "Superseded",
    "TransientStoreError",
    "Unrecoverable",
]


class SagaError(Exception):
    """Whatever this library raises."""


class BuildError(SagaError):
    """A saga was put together wrongly; the sentence says where and what to do."""


class DagFormatError(BuildError):
    """A serialized DAG is not of steno's form; the sentence names the place in it."""


class NoSuchSaga(SagaError):  # noqa: N818  (what there is, not that it is an error, makes these names)
    """There is no saga of this id."""

    def __init__(self, saga_id: str) -> None:
        super().__init__(f"there is no saga {saga_id}")
        self.saga_id = saga_id


class SagaExists(SagaError):  # noqa: N818
    """A saga of this id is in the store already."""

    def __init__(self, saga_id: str) -> None:
        super().__init__(f"there is a saga {saga_id} already; choose another id")
        self.saga_id = saga_id


class Unrecoverable(SagaError):  # noqa: N818
    """The log, the DAG or the registered actions do not allow to recover this saga; it stays with whoever has it.

    Nothing was written, unless its log became so while it was being taken: then it was taken, and is run by nobody.
    """

    def __init__(self, saga_id: str, reason: str) -> None:
        super().__init__(f"saga {saga_id} cannot be recovered: {reason}")
        self.saga_id = saga_id
        self.reason = reason


class SagaStopped(SagaError):  # noqa: N818
    """A saga stopped before its end; what is durable stays, and `resume` goes on from there. `__cause__` says why."""

    def __init__(self, saga_id: str, reason: str) -> None:
        super().__init__(f"saga {saga_id} stopped: {reason}; what is durable is kept, and `resume` goes on from there")
        self.saga_id = saga_id
        self.reason = reason


class StoreError(SagaError):
    """The store failed, and would fail again."""


class TransientStoreError(StoreError):
    """The store failed, and the same call may succeed later: busy, unreachable, a transaction that lost a race."""


class Superseded(StoreError):  # noqa: N818
    """The saga belongs to a later generation: another executor has taken it, and this one may not write any more."""

    def __init__(self, saga_id: str, generation: int) -> None:
        super().__init__(f"saga {saga_id} no longer belongs to generation {generation}: another executor has taken it")
        self.saga_id = saga_id
        self.generation = generation


class Assertion(enum.Enum):
    """The assertions of the executor, by the names that the specification has for them (its `Panic`)."""

    NODE_ERROR = "the log copy says failed, but there is no error of the node"
    UNDO_ERROR = "the log copy says undo failed, but there is no undo error of the node"
    UNDETERMINED = "the state of a node cannot be determined"
    TWO_STATES = "a node is in two states"
    UNDONE_TWICE = "a node was marked undone a second time"
    FINISHED_TWICE = "a node finished a second time"
    REVISITED = "the unwinding came to a parent that is already being undone, or undone"
    BAD_START = "a node is queued to run, but its log copy says neither never started nor started"
    BAD_UNDO_START = "a node is queued to be undone, but its log copy says neither succeeded nor undo started"
    BAD_EVENT = "an event that is illegal after the node's load status"
    STUCK_AGAIN = "an undo action failed in a saga that is not unwinding"
    BAD_DONE = "a saga became done while stopping, with a queue that is not empty, or with a node without an output"
    NO_CAUSE = "a saga was undone or got stuck, but no node has an error"
    RECOVERY_STUCK_AGAIN = "a recovered saga that is not unwinding has an undo failure in its log"
    RECOVERY_BAD_DONE = "a recovered saga is done, but stopping or with a queue that is not empty"


class Inconsistent(SagaError):  # noqa: N818
    """An assertion of the executor failed: its memory contradicts itself. The specification says that this never is."""

    def __init__(self, assertion: Assertion | enum.Enum, node: str = "") -> None:
        super().__init__(f"{assertion.value}{f' (node {node})' if node else ''}")
        self.assertion = assertion
        self.node = node


class ActionFailed(Exception):  # noqa: N818  (it is the name of an outcome, and of no defect)
    """Raised by an action, or an undo action, to fail with this cause.

    Any other exception fails the action too; this one is for a cause that is meant to be read.

    Attributes:
        detail: a JSON value that goes into the log beside the message.
    """

    def __init__(self, message: str, detail: Any = None) -> None:
        super().__init__(message)
        self.detail = detail
