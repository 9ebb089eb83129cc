"""*Eventually* properties under weak fairness: the search for a fair behaviour that never gets there.

A counterexample is a lasso: a path to a state in which the promise starts (`after`), then states without the goal for
ever. For ever means round a cycle without a step that is taken finitely often, or standing still. It is fair when every
weakly fair step is, somewhere on the cycle, taken or impossible. So it is enough to look at the strongly connected
components of the states without the goal (Lichtenstein and Pnueli, POPL 1985; as TLC does it for weak fairness).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from sagacheck._engine import Predicate
from sagacheck._explore import Search
from sagacheck._specification import Property
from sagacheck._verdict import Trace

__all__ = ["OutOfLimitsError", "find_lasso"]


_ROUND = 4096  # states between two looks at the clock


class OutOfLimitsError(Exception):
    """A limit of the search was reached; `Search.stopped` says which."""


class _Region:
    """The states without the goal, and the steps between them."""

    def __init__(self, search: Search, p: Property) -> None:
        ground = search.ground
        self.search = search
        goal = Predicate(ground.value(p.body, {}))
        self.inside = [not goal(s) for s in search.states]
        self.forever = [not s.action.finitely for s in ground.steps]
        self.fair = [s.action.fair for s in ground.steps]

    def moves(self, number: int) -> Iterator[tuple[int, int]]:
        """(step, target) for each step from that state, the finitely frequent ones too."""
        search = self.search
        edges = range(search.edge_start[number], search.edge_start[number + 1])
        return ((search.edge_step[e], search.edge_target[e]) for e in edges)

    def cycle_moves(self, number: int) -> Iterator[tuple[int, int]]:
        """The moves that a cycle may contain."""
        return ((s, t) for s, t in self.moves(number) if self.forever[s] and self.inside[t])

    def components(self) -> Iterator[list[int]]:
        """The strongly connected components of the states inside, by Tarjan's algorithm without recursion."""
        order: dict[int, int] = {}
        low: dict[int, int] = {}
        open_: list[int] = []
        on_stack: set[int] = set()
        for root in range(len(self.inside)):
            if not self.inside[root] or root in order:
                continue
            work = [(root, self.cycle_moves(root))]
            order[root] = low[root] = len(order)
            open_.append(root)
            on_stack.add(root)
            while work:
                n, moves = work[-1]
                for _, t in moves:
                    if t not in order:
                        order[t] = low[t] = len(order)
                        open_.append(t)
                        on_stack.add(t)
                        work.append((t, self.cycle_moves(t)))
                        if len(order) % _ROUND == 0 and self.search.out_of_limits():
                            raise OutOfLimitsError
                        break
                    if t in on_stack:
                        low[n] = min(low[n], order[t])
                else:
                    work.pop()
                    if work:
                        low[work[-1][0]] = min(low[work[-1][0]], low[n])
                    if low[n] == order[n]:
                        component = []
                        while True:
                            m = open_.pop()
                            on_stack.discard(m)
                            component.append(m)
                            if m == n:
                                break
                        yield component

    def is_fair(self, component: list[int]) -> bool:
        """Whether a behaviour may stay in the component for ever."""
        if len(component) == 1 and any(
            self.fair[step] and target != component[0] for step, target in self.moves(component[0])
        ):
            return False
        members = set(component)
        always_possible: set[int] | None = None
        taken: set[int] = set()
        for n in component:
            possible = set()
            for step, target in self.moves(n):
                possible.add(step)
                if target in members and self.forever[step]:
                    taken.add(step)
            always_possible = possible if always_possible is None else always_possible & possible
        return not any(self.fair[s] and s not in taken for s in always_possible or ())

    def path(self, start: int, goal: int, members: set[int]) -> list[tuple[int, int]]:
        """A shortest path of (step, state) pairs that stays among the members of a component."""
        if start == goal:
            return []
        came: dict[int, tuple[int, int]] = {}
        queue = deque([start])
        while queue:
            n = queue.popleft()
            for step, t in self.moves(n):
                if t in members and self.forever[step] and t not in came and t != start:
                    came[t] = (step, n)
                    queue.append(t)
        return self._back(came, goal, start)

    @staticmethod
    def _back(came: dict[int, tuple[int, int]], end: int, start: int) -> list[tuple[int, int]]:
        result: list[tuple[int, int]] = []
        while end != start:
            step, before = came[end]
            result.append((step, end))
            end = before
        return result[::-1]


def find_lasso(search: Search, p: Property) -> Trace | None:
    """A fair behaviour that breaks an *eventually* property; None where there is none.

    The search must be complete. No path to where a behaviour can stay for ever is shorter than the one found; the cycle
    itself need not be the shortest.

    Raises:
        OutOfLimitsError: a limit of the search is reached; `search.stopped` says which.
    """
    assert search.complete
    region = _Region(search, p)
    bad: dict[int, list[int]] = {}
    for component in region.components():
        if region.is_fair(component):
            bad.update(dict.fromkeys(component, component))
    if not bad:
        return None
    way = _way_in(region, _triggers(search, p), set(bad))
    return None if way is None else _lasso(search, region, way, bad)


def _way_in(region: _Region, begins: list[bool], bad: set[int]) -> list[tuple[int, int]] | None:
    """A shortest path from the initial state to one of `bad` on which, from some state on, the promise is not kept.

    Breadth first over pairs of a state and whether the promise has started and is not kept since.
    """

    def place(number: int, waiting: bool) -> tuple[int, bool]:
        return number, region.inside[number] and (waiting or begins[number])

    start = place(0, False)
    came: dict[tuple[int, bool], tuple[int, tuple[int, bool]] | None] = {start: None}
    queue = deque([start])
    while queue:
        here = queue.popleft()
        if here[1] and here[0] in bad:
            way: list[tuple[int, int]] = []
            while (step := came[here]) is not None:
                way.append((step[0], here[0]))
                here = step[1]
            return way[::-1]
        for step_number, target in region.moves(here[0]):
            there = place(target, here[1])
            if there not in came:
                came[there] = (step_number, here)
                queue.append(there)
    return None


def _triggers(search: Search, p: Property) -> list[bool]:
    if p.after is None:
        return [True] * len(search.states)
    after = Predicate(search.ground.value(p.after, {}))
    return [after(s) for s in search.states]


def _lasso(search: Search, region: _Region, way: list[tuple[int, int]], bad: dict[int, list[int]]) -> Trace:
    """The trace along `way`, then once round the component, past what makes it fair."""
    entry = way[-1][1] if way else 0
    members = set(bad[entry])
    tour: list[tuple[int, int]] = []
    here = entry
    wanted = _witnesses(region, bad[entry])
    for step, n in wanted:
        if n != here:
            tour += region.path(here, n, members)
            here = n
        if step is not None:
            tour.append(step)
            here = step[1]
    if here != entry:
        tour += region.path(here, entry, members)
    ground = search.ground
    states = [search.states[0], *(search.states[n] for _, n in way + tour)]
    return Trace(ground, tuple(states), tuple(ground.steps[s] for s, _ in way + tour), loop=len(way))


def _witnesses(region: _Region, component: list[int]) -> list[tuple[tuple[int, int] | None, int]]:
    """For each fair step, why the cycle is fair to it: a move that takes it, or a state where it is impossible."""
    members = set(component)
    enabled = {n: dict(region.moves(n)) for n in component}
    result: dict[tuple[tuple[int, int] | None, int], None] = {}
    for step, fair in enumerate(region.fair):
        if not fair or not any(step in moves for moves in enabled.values()):
            continue
        idle = next((n for n in component if step not in enabled[n]), None)
        if idle is not None:
            result[(None, idle)] = None
            continue
        n, target = next((n, moves[step]) for n, moves in enabled.items() if moves[step] in members)
        result[((step, target), n)] = None
    return list(result)
