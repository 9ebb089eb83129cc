"""Every small saga there is: all DAGs of a few actions, one of each shape, as texts that `load_dag` takes."""

from __future__ import annotations

from functools import cache
from itertools import combinations, permutations

__all__ = ["all_small_dags"]

Edges = tuple[tuple[int, int], ...]


@cache
def all_small_dags(max_nodes: int = 4) -> tuple[str, ...]:
    """List every DAG of 1 to `max_nodes` actions, one of each isomorphism class.

    Args:
        max_nodes: the most actions; the time needed grows like `2 ** (n * (n - 1) / 2) * n!`.

    Returns:
        Lists of edges such as `a,b>c` (where `a` has no edges), fewer actions first; of 1, 2, 3 and 4 actions there are
        1, 2, 6 and 31 (sequence A003087 of the OEIS).
    """
    return tuple(text for count in range(1, max_nodes + 1) for text in _dags(count))


def _dags(count: int) -> list[str]:
    # Every DAG can be numbered so that its edges go upwards; of the numberings of one shape the first one met is kept.
    upwards = list(combinations(range(count), 2))
    seen: set[Edges] = set()
    texts = []
    for size in range(len(upwards) + 1):
        for edges in combinations(upwards, size):
            if edges not in seen:
                seen.update(_renumberings(count, edges))
                texts.append(_text(count, edges))
    return texts


def _renumberings(count: int, edges: Edges) -> set[Edges]:
    return {tuple(sorted((order[a], order[b]) for a, b in edges)) for order in permutations(range(count))}


def _text(count: int, edges: Edges) -> str:
    names = "abcdefgh"
    lonely = set(range(count)) - {end for edge in edges for end in edge}
    return ",".join([*(names[node] for node in sorted(lonely)), *(f"{names[a]}>{names[b]}" for a, b in edges)])
