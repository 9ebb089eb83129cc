"""Tours: traces that together take every step of the reachable graph of a specification on a saga."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from sagacheck import GroundSpecification, Trace
from sagacheck._engine import Successors

__all__ = ["tours"]


def tours(ground: GroundSpecification, successors: Successors, longest: int) -> Iterator[Trace]:
    """Yield traces from the initial state; each goes on along what is untaken, by the shortest way where it must.

    Args:
        ground: the specification on a saga.
        successors: its steps.
        longest: a tour that has become as long as this ends with its way to the next untaken step.
    """
    graph = _graph(ground, successors)
    untaken = {state: list(steps) for state, steps in graph.items()}
    while untaken:
        states, steps = [ground.initial], []
        while len(steps) < longest:
            way = _way(states[-1], graph, untaken)
            if way is None:
                break
            for step in way:
                here = states[-1]
                if step in untaken.get(here, ()):
                    untaken[here].remove(step)
                    if not untaken[here]:
                        del untaken[here]
                steps.append(ground.steps[step])
                states.append(graph[here][step])
        yield Trace(ground, tuple(states), tuple(steps))


def _graph(ground: GroundSpecification, successors: Successors) -> dict[int, dict[int, int]]:
    """Every reachable state -> step -> the state after it."""
    graph: dict[int, dict[int, int]] = {}
    waiting = [ground.initial]
    while waiting:
        state = waiting.pop()
        if state not in graph:
            graph[state] = {step: successors.after(step, state) for step in successors.enabled(state)}
            waiting += graph[state].values()
    return graph


def _way(start: int, graph: dict[int, dict[int, int]], untaken: dict[int, list[int]]) -> list[int] | None:
    """The shortest way from a state that ends with an untaken step; None if there is none."""
    came: dict[int, tuple[int, int] | None] = {start: None}
    waiting = deque([start])
    while waiting:
        state = waiting.popleft()
        if state in untaken:
            way = [untaken[state][-1]]
            while (back := came[state]) is not None:
                state, step = back
                way.append(step)
            return way[::-1]
        for step, after in graph[state].items():
            if after not in came:
                came[after] = (state, step)
                waiting.append(after)
    return None
