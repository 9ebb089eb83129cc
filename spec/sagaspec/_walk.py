"""The sequential walk over parents of steno 0.4.1 (`revisit=panic`), one test of one parent a step.

`untested[n]` is the parent that is tested next for n; nodes that have one are the frames of the recursion. The deepest
frame, the one that no other frame is an ancestor of, goes on first.
"""

from __future__ import annotations

from sagacheck.language import action, procedure, require
from sagaspec._memory import BROKEN, Shown, after_propagation, become_done, node_exec_state, panic_if, panic_if_broken
from sagaspec._state import START, Lock, Node, Panic, Pc, State, Undone, ancestors, children, nodes, parents

__all__ = ["test_parent"]


@action("loop", over="parents", given=lambda p: p.design.revisit_panics)
def test_parent(s: State, n: Node, p: Node) -> None:
    """Walking over the parents of {n}, the loop tests {p}.

    If all children of p are undone: a parent that never ran or failed is marked undone and walked over in turn, one
    that is done is queued to be undone, one that is queued to run or running is left alone, and any other is a panic.
    """
    require(s.pc in (Pc.WALK, Pc.WALK_FIRST) and s.panic == Panic.NONE)
    require(s.untested[n] == p and all(s.untested[a] is None for a in ancestors(n)))
    ready = all(s.nodes_undone[c] != Undone.NO for c in children(p))
    shown = node_exec_state(s, p)
    begins = s.pc == Pc.WALK_FIRST
    if ready:
        if shown in BROKEN:
            panic_if_broken(s, shown)
        panic_if(s, shown in _DEALT_WITH, Panic.REVISITED)
    s.untested[n] = parents.following(n, p)
    if ready and shown in (Shown.BLOCKED, Shown.FAILED):
        s.nodes_undone[p] = Undone.NEVER_RAN if shown == Shown.BLOCKED else Undone.FAILED
        if p == START:
            become_done(s)
        s.untested[p] = parents.first(p)
    if ready and shown == Shown.DONE:
        s.queue_undo[p] = True
    _end(s, begins)


_DEALT_WITH = (
    Shown.QUEUED_TO_UNDO,
    Shown.UNDO_IN_PROGRESS,
    Shown.UNDO_FAILED,
    Shown.UNDONE,
    Shown.UNDONE_NEVER_RAN,
    Shown.UNDONE_FAILED,
)


@procedure
def _end(s: State, begins: bool) -> None:
    """When no test is left, the walk ends, and with it the critical section."""
    if all(s.untested[m] is None for m in nodes()):
        if s.design.split:
            s.lock = Lock.LOOP if begins else Lock.FREE  # the cached state is written with the lock held
        elif s.design.has_lock:
            s.lock = Lock.FREE
        after_propagation(s, begins)
