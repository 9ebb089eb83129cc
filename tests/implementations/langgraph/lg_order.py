"""In which order durable writes land where LangGraph leaves it open, and which of them a step stands for.

A checkpoint supersedes the one `on` which it was made, and the writes of the tasks that ran on that one. So there are
two rows that can make an action's completion durable: its own (`put_writes`) and the next checkpoint (`put`). The
specification has one step for it, `success_lands`. Which of the two rows that is, and when the other lands, is this:

    writes-first   success_lands is put_writes; a checkpoint lands once the writes that it supersedes have
    put-first      success_lands is put_writes, but for the last one before a checkpoint: there it is put, and the
                   put_writes lands after the next checkpoint has, or when nothing else can happen
    put-late       success_lands is put_writes; a checkpoint lands when nothing else can happen

Each is an order that LangGraph permits: only what it has issued, and nothing in it waits for, is ever kept waiting.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["Order"]

Held = dict[str, Any]


class Order:
    """The order of one process.

    Args:
        name: writes-first, put-first or put-late.
        at_commit: whether writes are held with the lock of the checkpointer, so that there is one at a time.
    """

    def __init__(self, name: str, *, at_commit: bool) -> None:
        self._name = name
        self._at_commit = at_commit
        self._superseded: list[str | None] = []  # the checkpoints on which one was put that has landed

    def offers(self, held: Sequence[Held]) -> dict[str, Held]:
        """Label -> what is let go when the completion of that action is to land."""
        if self._at_commit:
            return {h["label"]: h for h in held if h["kind"] == "write" and h["stage"] == "commit"}
        found = {}
        waiting = [h for h in held if h["kind"] == "write" and h["on"] not in self._superseded]
        for write in waiting:
            puts = [h for h in held if h["kind"] == "put" and h["on"] == write["on"]]
            alone = [h for h in waiting if h["on"] == write["on"]] == [write]
            found[write["label"]] = puts[0] if self._name == "put-first" and puts and alone else write
        return found

    def next(self, held: Sequence[Held]) -> Held | None:
        """Who goes on by itself now; None when everybody who is held waits for a step."""
        ordered = sorted(held, key=lambda h: (h["kind"], h["label"], h["number"]))
        if not self._at_commit:
            return next((h for h in ordered if self._goes(h, held)), None)
        if inside := [h for h in ordered if h.get("stage") == "commit"]:
            return inside[0] if inside[0]["kind"] != "write" else None
        writes = [h for h in ordered if h["kind"] == "write"]
        return next(iter(writes), None) or next((h for h in ordered if self._goes(h, held)), None)

    def let_go(self, held: Held) -> None:
        """One of those that were held goes on."""
        if held["kind"] == "put" and (held["stage"] == "commit" or not self._at_commit):
            self._superseded.append(held["on"])

    def _goes(self, one: Held, held: Sequence[Held]) -> bool:
        if one["kind"] not in ("write", "bracket", "put"):
            return False
        others = [h for h in held if h is not one]
        writes = [h for h in others if h["kind"] == "write" and h["on"] == one["on"]]
        if one["on"] in self._superseded and one["kind"] != "put":
            return self._superseded[-1] != one["on"] or not others or not self._steps(others)
        if one["kind"] == "write":
            return False
        if one["kind"] == "bracket":
            issued = any(h["kind"] == "put" and h["on"] == one["on"] for h in others)
            return not writes and not (self._name == "put-first" and issued)
        if self._name == "put-late":
            return not self._steps(others)
        brackets = [h for h in others if h["kind"] == "bracket" and h["on"] == one["on"]]
        return not writes and (self._name == "put-first" or not brackets)

    def _steps(self, held: Sequence[Held]) -> bool:
        """Whether somebody is held who waits for a step."""
        return any(h["kind"] in ("take_effect", "succeed") for h in held) or bool(self.offers(held))
