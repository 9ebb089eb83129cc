"""How saga executors are tested against this specification: on which sagas, and what an executor may not be able to."""

from __future__ import annotations

from sagacheck import Capability, Conformance
from sagaspec._loop import LOOP_AT_REST, STORE_OF_LOOP
from sagaspec._workers import LOOP_LEARNS, STORE, WORKERS

__all__ = ["CONFORMANCE"]

_EVERY = tuple(a.name for a in (*WORKERS, *STORE, *LOOP_LEARNS, *STORE_OF_LOOP, *LOOP_AT_REST))
_UNDO = tuple(name for name in _EVERY if "undo" in name or name == "remove_effect")

CONFORMANCE = Conformance(
    structures=("chain:2", "fork-join:2", "diamond", "volume_delete"),
    smallest="chain:1",
    reading="steno-0.4.1",
    capabilities=(
        Capability("failure", "an action may fail, and the saga unwinds", ("fail",), ("DirectionAgrees",)),
        Capability(
            "undo", "what succeeded is undone when something fails", ("fail", *_UNDO), ("UndoOrder", "Atomicity")
        ),
        Capability(
            "crash",
            "the process may die, and another one takes the saga up",
            ("crash", "recover"),
            ("Recoverable", "ResumeProgress"),
        ),
        Capability(
            "status", "the state of a running saga can be asked for", ("ask_status", "end_status"), ("StatusAvailable",)
        ),
        Capability("start-records", "that an action starts is durable", (), ("StartMemoryFirst", "WriteAheadIntent")),
        Capability("subsagas", "a saga may have others inlined in it"),
    ),
    demands={"ask_status": "StatusAvailable"},
    unseen=("SingleWriter", "Bookkeeping"),
    stands_for={
        "SingleWriter": ("NoTornState", "NoPanic", "CompletionDurableFirst"),
        "NoTornState": ("NoPanic",),
        "StartMemoryFirst": ("Refinement",),
        "CompletionDurableFirst": ("DependencyOrder", "AtMostOnce"),
        "DirectionAgrees": ("Refinement",),
        "Bookkeeping": ("AtMostOnce", "Refinement"),
    },
    standstill="Termination",
    crash="crash",
    after_crash="ResumeProgress",
    detours=("crash", "ask_status", "end_status", "fail", "fail_undo"),
    weights={"crash": 0.05, "ask_status": 0.3, "end_status": 3.0, "fail": 0.7, "fail_undo": 2.0},
)
