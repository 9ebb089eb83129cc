"""What is modelled and what is left out, for whoever meets the specification as a module of another language."""

from __future__ import annotations

__all__ = ["ABOUT", "TERMS"]

ABOUT = (
    "What is modelled: one saga and its executor, after that of steno 0.4.1. A step is what nobody else can "
    "interrupt: a critical section of the lock on memory, or a wait that ends. A durable write takes two steps, "
    "since anything may happen while it is pending: a worker issues it, and the store makes it take effect. A crash "
    "between the two is a write that never happened. An assertion that fails is a step too, into a state in which "
    "`panic` names it and from which only a crash leads.",
    "What is left out, and why that is harmless. The order of reports to the loop: a worker sends some time after "
    "its write took effect, so they arrive in any order anyway. Steps between a write, the unlocking and the "
    "report: nobody can tell them apart before the loop takes the report. The middle of a recovery: it reads the "
    "log and writes memory that nobody else has yet, so a crash in it is a crash before it. The contents of inputs, "
    "outputs and errors: no step depends on them. What came before the last event of a node in the log: recovery "
    "reads no more. Other sagas: each has a log and a memory of its own. Assumed, not modelled: no saga has two "
    "executors at a time.",
    "What is claimed: that no state is wrong; that what should be possible is possible; that every saga comes to "
    "rest, if every step that stays possible is taken, and crashes and status queries come to an end.",
)

TERMS = {
    "node": "the nodes of the saga's DAG: its actions, a start, an end, perhaps inlined sagas",
    "parents": "what a node depends on",
    "children": "what depends on a node",
    "ancestors": "what a node depends on, directly or not",
    "is_action": "the nodes that are actions, as users write them",
    "has_undo": "the actions that have an undo action; the effect of others is not modelled",
    "may_fail": "the nodes whose action may fail",
    "may_fail_undo": "the nodes whose undo action may fail",
    "start": "comes before every other node",
    "end": "comes after every other node",
}
