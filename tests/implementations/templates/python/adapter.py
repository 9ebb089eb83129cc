"""A conformance adapter to copy: `sagacheck conform --cmd 'python3 adapter.py'`; docs/conformance.md explains it.

The executor runs in a thread, and is held where it writes to its durable log, which here is a list, and where an action
does something. REPLACE marks what belongs to this example.
"""

import json
import socket
import sys
from queue import SimpleQueue
from threading import Thread

from tiny import Tiny  # REPLACE: your executor; it needs a store and actions that the adapter can hold

EVENTS = {  # REPLACE: the events of your log: what each comes after, and the step in which it lands
    "STARTED": ("NEVER_STARTED", "start_lands"), "UNDO_STARTED": ("SUCCEEDED", "undo_start_lands"),
    "SUCCEEDED": ("STARTED", "success_lands"), "UNDO_FINISHED": ("UNDO_STARTED", "undo_success_lands"),
    "FAILED": ("STARTED", "failure_lands"), "UNDO_FAILED": ("UNDO_STARTED", "undo_failure_lands"),
}  # fmt: skip
STAGES = {"start_lands": "WRITE_START", "run": "RUN", "success_lands": "WRITE_OK", "failure_lands": "WRITE_FAIL"}
HELLO = {  # REPLACE: what it can do, where it can be held, what happens on its own, what can be seen
    "protocol": 1, "implementation": "tiny", "version": "1", "language": "Python",
    "capabilities": ["failure", "undo", "crash", "status", "start-records"],
    "steps": [*(lands for _, lands in EVENTS.values()), "take_effect", "succeed", "fail", "remove_effect",
              "succeed_undo", "fail_undo", "ask_status", "crash", "recover"],
    "internal": ["kick_off", "take_success", "take_failure", "take_undo_success", "take_undo_failure",
                 "unwinding_lands", "finish", "done_lands", "read_result"],
    "shows": ["pc", "panic", "lock", "log", "log_copy", "work", "undo_work", "effect", "runs", "undo_runs"],
}  # fmt: skip


class Adapter:
    """Answers messages. `log` and `effects` outlive a crash; `executor`, and where it is held, do not."""

    executor = None

    def load(self, message):
        """Begin with a new saga."""
        self.kill()
        self.labels, self.predicates, relations = message["labels"], message["predicates"], message["relations"]
        self.contract = message["environment"].get("contract", "kept") == "kept"
        self.log, self.effects, self.runs = [], set(), {(n, undo): 0 for n in self.labels for undo in (False, True)}
        if any(len(related) > 1 for name in ("parents", "children") for related in relations[name]):
            return {"outcome": "not supported", "reason": "it runs chains only", "offers": [], "state": {}}
        self.start()
        return self.seen("taken")

    def step(self, message):
        """Take a step that is on offer."""
        step = message["step"]
        if (step, message["node"]) not in self.offers():
            return self.seen("refused")
        if step == "ask_status":
            dict(self.executor.status)  # REPLACE: the status query of your executor
        elif step == "crash":
            self.kill()
        elif step == "recover":
            self.start()
        else:
            self.go.put(step)
            self.wait()
        return self.seen("taken")

    def start(self):
        """A process takes the saga up from the durable log, and goes on until it is held. REPLACE: as yours does."""
        self.came, self.go = came, go = SimpleQueue(), SimpleQueue()  # of this process alone

        def hold(point, n):
            came.put((point, n))
            if (step := go.get()) == "crash":
                raise SystemExit  # of the thread
            return step

        def write(n, event):
            hold(EVENTS[event][1], n)
            self.log.append((n, event))

        def act(n, undo):
            self.runs[n, undo] += 1
            while (step := hold("undo_run" if undo else "run", n)) in ("take_effect", "remove_effect"):
                (self.effects.add if step == "take_effect" else self.effects.discard)(n)
            if step == "fail" and self.contract:
                self.effects.discard(n)
            return step.startswith("succeed")

        def main():
            try:
                executor.run()
                hold("rest", None)
            except Exception as error:  # it would have ended the process
                came.put(error)

        self.executor = executor = Tiny(self.labels, self.log, write, act)
        Thread(target=main, daemon=True).start()
        self.wait()

    def wait(self):
        """Until nothing more happens on its own: the one thread is held. REPLACE: when is yours quiet?"""
        self.held = self.came.get()
        if isinstance(self.held, Exception):
            raise self.held

    def kill(self):
        """The process is gone; a run counts from here on if its completion is durable. REPLACE: as yours dies."""
        if self.executor:
            self.go.put("crash")
            done = {(n, "UNDO" in event) for n, event in self.log if event not in ("STARTED", "UNDO_STARTED")}
            self.executor, self.runs = None, {run: int(run in done) for run in self.runs}

    def offers(self):
        """What can be asked for now."""
        if not self.executor:
            return [("recover", None)]
        at, n = self.held
        steps, stands, has = [at], n in self.effects, lambda name: self.predicates[name][self.labels.index(n)]
        if at == "run":
            steps = ["succeed" if stands or not has("has_undo") else "take_effect", *["fail"] * has("may_fail")]
        elif at == "undo_run":
            steps = ["remove_effect", *["fail_undo"] * has("may_fail_undo")] if stands else ["succeed_undo"]
        return [("ask_status", None), ("crash", None), *((step, n) for step in steps if at != "rest")]

    def seen(self, outcome):
        """What is on offer, and what can be seen; leave out what cannot."""
        log = dict.fromkeys(self.labels, "NEVER_STARTED")
        for n, event in self.log:
            log[n] = event if log[n] == EVENTS[event][0] else "ILLEGAL"
        did, undid = ({n: ("NO", "ONCE", "TWICE")[min(self.runs[n, u], 2)] for n in log} for u in (False, True))
        state = {"log": log, "effect": {n: n in self.effects for n in log}, "runs": did, "undo_runs": undid}
        state |= {"panic": "NONE", "lock": "FREE", "pc": "DOWN"}  # it has no assertions and no lock
        if self.executor:
            at, held = self.held
            state |= {"pc": "REST" if at == "rest" else "RECEIVE", "log_copy": self.executor.status}
            state |= {"work": dict.fromkeys(log, "NONE"), "undo_work": dict.fromkeys(log, "NONE")}
            if held:
                state["undo_work" if "undo" in at else "work"][held] = STAGES[at.removeprefix("undo_")]
        return {"outcome": outcome, "offers": [{"step": s, "node": n} for s, n in self.offers()], "state": state}


def main():
    """Answer each line with a line; with an argument on a connection to the driver that waits at that HOST:PORT."""
    connection = socket.create_connection(sys.argv[1].split(":")).makefile("rw") if len(sys.argv) > 1 else None
    adapter, fixed = Adapter(), {"hello": HELLO, "end": {"outcome": "taken"}}
    for message in map(json.loads, connection or sys.stdin):
        reply = fixed.get(message["command"]) or getattr(adapter, message["command"])(message)
        print(json.dumps(reply), file=connection, flush=True)


if __name__ == "__main__":
    main()
