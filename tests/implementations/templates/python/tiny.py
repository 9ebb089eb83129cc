"""The example: an executor of chains, one node after the other. Your own executor stands in its place."""


class Tiny:
    """write(n, event) makes an event durable, act(n, undo) says whether the action (undo action) of n succeeded."""

    def __init__(self, chain, log, write, act):
        self.write, self.act = write, act
        self.status = dict.fromkeys(chain, "NEVER_STARTED") | dict(log)  # memory, rebuilt from the durable log

    def run(self):
        """Go forward until an action fails, and then back until an undo action fails."""
        for n, status in self.status.items():
            if status in ("NEVER_STARTED", "STARTED"):
                self.one(n, "STARTED", "SUCCEEDED", "FAILED")
            if self.status[n] != "SUCCEEDED":
                break
        else:
            return
        for n, status in reversed(self.status.items()):
            if status in ("SUCCEEDED", "UNDO_STARTED"):
                self.one(n, "UNDO_STARTED", "UNDO_FINISHED", "UNDO_FAILED")
            if self.status[n] == "UNDO_FAILED":
                return

    def one(self, n, start, success, failure):
        """Run one action, or undo action."""
        if self.status[n] != start:
            self.status[n] = start
            self.write(n, start)
        end = success if self.act(n, start == "UNDO_STARTED") else failure
        self.write(n, end)
        self.status[n] = end
