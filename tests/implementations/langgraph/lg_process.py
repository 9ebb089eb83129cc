"""A process that runs a saga, seen from the adapter: it is forked, given orders, and killed.

The adapter has imported LangGraph and has one thread and no open file of the saga, so a fork of it is what a fresh
process is after its imports, a second earlier.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

from lg_child import Child, Options
from lg_order import Order
from lg_saga import Saga

__all__ = ["Process"]


class Process:
    """One process, quiet whenever a method returns.

    Attributes:
        seen: what it last said of itself: who is `held`, whether and why it has `ended`, what it `streamed`, whether
            the checkpointer's lock is `locked`.
        answer: the labels that `get_state` shows as done, when it was asked and has answered since `take_answer`.
    """

    def __init__(self, options: Options, saga: Saga, folder: Path) -> None:
        self._order = Order(options.order, at_commit=options.hold == "commit")
        orders_out, orders_in = os.pipe()
        replies_out, replies_in = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(orders_in)
            os.close(replies_out)
            self._become(options, saga, folder, orders_out, replies_in)
        os.close(orders_out)
        os.close(replies_in)
        self._orders = os.fdopen(orders_in, "w")
        self._replies = os.fdopen(replies_out)
        self.answer: list[str] | None = None
        self.asking = False
        self.seen: dict[str, Any] = {}
        self._do({"do": "look"})

    @staticmethod
    def _become(options: Options, saga: Saga, folder: Path, orders: int, replies: int) -> None:
        try:
            nothing = os.open(os.devnull, os.O_RDWR)
            os.dup2(nothing, 0)
            os.dup2(nothing, 1)
            Child(options, saga, folder, os.fdopen(orders), os.fdopen(replies, "w")).run()
        except BaseException:
            traceback.print_exc(file=sys.stderr)
        finally:
            os._exit(1)

    def kill(self) -> None:
        """The process is killed where it is."""
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        self._orders.close()
        self._replies.close()

    def bodies(self) -> dict[str, str]:
        """Label -> the step for which its body waits."""
        return {h["label"]: h["kind"] for h in self.seen["held"] if h["kind"] in ("take_effect", "succeed")}

    def writes(self) -> set[str]:
        """The labels of actions whose `put_writes` has been called and has not returned."""
        return {h["label"] for h in self.seen["held"] if h["kind"] == "write"}

    def landing(self) -> set[str]:
        """The labels whose completion can land now."""
        return set(self._order.offers(self.seen["held"]))

    def go_on(self, label: str) -> None:
        """The body of an action goes on from where it is held."""
        self._release(next(h for h in self.seen["held"] if h["label"] == label and h["kind"] == self.bodies()[label]))

    def land(self, label: str) -> None:
        """The completion of an action becomes durable."""
        self._release(self._order.offers(self.seen["held"])[label])

    def ask(self) -> None:
        """Ask for the state through the checkpointer that the saga uses."""
        self.asking, self.answer = True, None
        self._do({"do": "ask"})

    def lock(self) -> str:
        """Who has the checkpointer's lock: a worker that puts writes, or the loop that puts a checkpoint."""
        inside = [h["kind"] for h in self.seen["held"] if h.get("stage") == "commit"]
        if not self.seen["locked"]:
            return "FREE"
        return "LOOP" if "put" in inside else "WORKER"

    def _release(self, held: dict[str, Any]) -> None:
        self._order.let_go(held)
        self._do({"do": "release", "number": held["number"]})

    def _do(self, order: dict[str, Any]) -> None:
        """Give an order, and let go on whoever goes on by itself then."""
        while True:
            self._orders.write(json.dumps(order) + "\n")
            self._orders.flush()
            line = self._replies.readline()
            if not line:
                raise RuntimeError("the process that runs the saga has ended without being killed")
            self.seen = json.loads(line)
            if self.asking and self.seen["answer"] is not None:
                self.answer, self.asking = self.seen["answer"], False
            following = self._order.next(self.seen["held"])
            if following is None:
                return
            self._order.let_go(following)
            order = {"do": "release", "number": following["number"]}
