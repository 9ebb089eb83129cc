"""A structure: the finite thing that a specification is checked on, such as the DAG of a saga or a set of processes.

The engine knows elements by index and what a specification may ask about them: relations (the parents of a node),
predicates (may its action fail?) and named elements (the start node). A specification's domain makes structures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Structure"]


@dataclass(frozen=True)
class Structure:
    """A finite structure; `size` elements, known by index 0 .. size - 1.

    Attributes:
        name: how the user named it, for reports.
        labels: element -> how it is shown; unique.
        relations: name -> element -> related elements, in the order that matters to the domain.
        predicates: name -> element -> truth.
        elements: name -> the element that a specification knows by name.
        document: the structure as implementations under test are given it, a JSON value; no specification reads it.
    """

    name: str
    labels: tuple[str, ...]
    relations: Mapping[str, tuple[tuple[int, ...], ...]] = field(default_factory=dict)
    predicates: Mapping[str, tuple[bool, ...]] = field(default_factory=dict)
    elements: Mapping[str, int] = field(default_factory=dict)
    document: Any = field(default=None, compare=False)

    @property
    def size(self) -> int:
        """The number of elements."""
        return len(self.labels)

    def well_founded(self, relation: str) -> bool:
        """Whether there is such a relation, and going along it ends, wherever one begins."""
        related = self.relations.get(relation)
        if related is None:
            return False
        left = {n: set(related[n]) for n in range(self.size)}
        waiting: dict[int, list[int]] = {}
        for n, others in left.items():
            for m in others:
                waiting.setdefault(m, []).append(n)
        ended = [n for n, others in left.items() if not others]
        for m in ended:
            for n in waiting.get(m, ()):
                left[n].discard(m)
                if not left[n]:
                    ended.append(n)
        return len(ended) == self.size
