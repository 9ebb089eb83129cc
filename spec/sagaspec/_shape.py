"""Two measures of a saga's graph: how much may run at once, and how much must run one after the other."""

from __future__ import annotations

from sagaspec._saga import Saga

__all__ = ["depth", "width"]


def depth(saga: Saga) -> int:
    """Count the edges of the longest path from the start to the end."""
    far = [0] * len(saga.nodes)
    for index in saga.topological:
        far[index] = max((far[parent] + 1 for parent in saga.parents(index)), default=0)
    return far[saga.end]


def width(saga: Saga) -> int:
    """Count the nodes of the largest antichain: how many nodes can be independent of each other at most.

    Takes memory with the square of the number of nodes, and time with its cube at worst.

    Source: R. P. Dilworth, "A Decomposition Theorem for Partially Ordered Sets" (1950): it is the least number of
    chains that cover all nodes, which is what a largest matching of nodes with descendants leaves (Fulkerson, 1956).
    """
    reach = [0] * len(saga.nodes)  # a bit set of the descendants of each node
    for index in reversed(saga.topological):
        for child in saga.children(index):
            reach[index] |= 1 << child | reach[child]
    before: dict[int, int] = {}  # a node -> the node that comes before it in its chain
    return len(saga.nodes) - sum(_matched(index, reach, before) for index in saga.topological)


def _matched(first: int, reach: list[int], before: dict[int, int]) -> bool:
    """Give one more node a successor in its chain, moving others where that is needed; false if it cannot be done."""
    queue, via, unseen = [first], {}, (1 << len(reach)) - 1
    for index in queue:
        found = reach[index] & unseen
        unseen &= ~found
        while found:
            after = (found & -found).bit_length() - 1
            found &= found - 1
            via[after] = index
            if after in before:
                queue.append(before[after])
                continue
            while True:  # walk back, each node taking the successor that was found from it
                giver = via[after]
                freed = next((a for a, b in before.items() if b == giver), None) if giver != first else None
                before[after] = giver
                if freed is None:
                    return True
                after = freed
    return False
