"""A durable saga executor that conforms to the specification of this project; docs/reference.md says how to use it.

The layers, each importing only from those above it:

    _errors, _json, _cause, _log
                            what can go wrong; JSON values; causes of failures; log events and load statuses
    _dag, _actions          a saga as data; actions by name
    _builder, _steno_json   build, check, read and write a saga
    _store                  what a store must do; the stores: _memory_store, _schema with _sqlite and _postgres
    _memory, _recovery      the live state, what a completion does to it, how it is rebuilt from a log
    _points, _durable       injection points; the durable log with its retries
    _recorder               who records what, where, and in which order: the heart
    _context, _faults, _perform, _breakpoints
                            one run of an action; what its user does to it
    _tree, _status          a saga as lines of text; snapshots: status, result
    _execution, _saga, _executor
                            one saga's loop and workers; a saga in its user's hands; many sagas
    _idle, _bodies, _adapter
                            the executor as an implementation under test
    _demo_console, _demo_log, _demo_saga
                            what the demo says; logs as files; its saga
    _demo                   python -m sagaref demo
    _serve                  python -m sagaref adapter: the implementation under test in a process of its own
    __main__                the command line

It imports neither the specification nor the checker.
"""

from sagaref._actions import Action, ActionRegistry
from sagaref._builder import DagBuilder, action, constant, subsaga
from sagaref._context import ActionContext
from sagaref._dag import Dag, Kind, Node
from sagaref._durable import Retry
from sagaref._errors import (
    ActionFailed,
    BuildError,
    DagFormatError,
    Inconsistent,
    NoSuchSaga,
    SagaError,
    SagaExists,
    SagaStopped,
    StoreError,
    Superseded,
    TransientStoreError,
    Unrecoverable,
)
from sagaref._executor import Executor, Resumed
from sagaref._faults import Injection
from sagaref._log import Event, Load, LogEntry
from sagaref._memory import NodeState, Phase
from sagaref._memory_store import MemoryStore
from sagaref._points import POINTS, Hook, Point
from sagaref._postgres import PostgresStore
from sagaref._saga import Saga
from sagaref._sqlite import SqliteStore
from sagaref._status import Ending, Failure, NodeStatus, SagaResult, SagaStatus
from sagaref._steno_json import read_dag, write_dag
from sagaref._store import CachedState, SagaRecord, Store, TakenSaga

__all__ = [
    "POINTS",
    "Action",
    "ActionContext",
    "ActionFailed",
    "ActionRegistry",
    "BuildError",
    "CachedState",
    "Dag",
    "DagBuilder",
    "DagFormatError",
    "Ending",
    "Event",
    "Executor",
    "Failure",
    "Hook",
    "Inconsistent",
    "Injection",
    "Kind",
    "Load",
    "LogEntry",
    "MemoryStore",
    "NoSuchSaga",
    "Node",
    "NodeState",
    "NodeStatus",
    "Phase",
    "Point",
    "PostgresStore",
    "Resumed",
    "Retry",
    "Saga",
    "SagaError",
    "SagaExists",
    "SagaRecord",
    "SagaResult",
    "SagaStatus",
    "SagaStopped",
    "SqliteStore",
    "Store",
    "StoreError",
    "Superseded",
    "TakenSaga",
    "TransientStoreError",
    "Unrecoverable",
    "action",
    "constant",
    "read_dag",
    "subsaga",
    "write_dag",
]
