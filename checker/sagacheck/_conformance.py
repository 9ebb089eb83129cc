"""What a specification says of testing implementations against it: on which structures, and how its steps are meant.

A domain has one `Conformance`. Nothing in it is a second description of the specification: it only says which steps
belong together, and how a person would name what an implementation can do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Capability", "Conformance"]


@dataclass(frozen=True)
class Capability:
    """Something that an implementation may be able to do, or not.

    Attributes:
        name: as an adapter declares it. doc: what it is, in a sentence.
        steps: the steps that need it; without it they are never asked for.
        properties: the properties that say nothing about an implementation without it.
    """

    name: str
    doc: str
    steps: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()


@dataclass(frozen=True)
class Conformance:
    """How implementations are tested against a specification.

    Attributes:
        structures: on which ones, unless told otherwise; as texts for `Domain.load`.
        smallest: the one on which an adapter itself is judged.
        reading: the design whose properties a monitor evaluates: one with every variable that an executor may have,
            a lock say, since without that variable a property reads as if no executor had it.
        capabilities: what an implementation may be able to do.
        demands: step -> the property that is violated by an implementation which does not take it where it is possible.
        unseen: properties that nobody can see from outside, whatever an implementation shows.
        stands_for: property -> the properties that stand for it where it cannot be seen.
        standstill: the property that an implementation violates which comes to a standstill before it may.
        crash: the step in which all that is not durable is lost. after_crash: the property that a standstill violates
            which comes after one.
        detours: steps that do not take a run on to its end: what goes wrong in it, and what only looks at it.
        weights: step -> how often a random walk takes it, where others have 1.
    """

    structures: tuple[str, ...]
    smallest: str
    reading: str
    capabilities: tuple[Capability, ...] = ()
    demands: Mapping[str, str] = field(default_factory=dict)
    unseen: tuple[str, ...] = ()
    stands_for: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    standstill: str = ""
    crash: str = ""
    after_crash: str = ""
    detours: tuple[str, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
