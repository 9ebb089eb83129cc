"""A model: one design of a specification, on one structure, in one environment; what a report is about.

Everything here is the text that the user gave, so that a report or a trace can name it and the same model can be made
again from it, years later.
"""

from __future__ import annotations

import functools
import importlib.metadata
import platform
from collections.abc import Mapping
from dataclasses import dataclass

from sagacheck._domain import Design, Domain
from sagacheck._specification import Specification
from sagacheck._structure import Structure

__all__ = ["Model", "versions"]


@functools.cache
def _own_version() -> str:
    try:
        return importlib.metadata.version("sagacheck")
    except importlib.metadata.PackageNotFoundError:  # run from a checkout
        return "0+unknown"


def versions() -> dict[str, str]:
    """What made a report: name -> version."""
    return {"sagacheck": _own_version(), "python": platform.python_version()}


@dataclass(frozen=True)
class Model:
    """What is checked.

    Attributes:
        domain: where the specification comes from.
        spec: how the user selected it (`--spec`); None for the default.
        design: a point of its design space.
        structure: the text that names the structure.
        environment: option name -> its text.
    """

    domain: Domain
    spec: str | None
    design: Design
    structure: str
    environment: Mapping[str, str]

    def specification(self) -> Specification:
        """The specification for this design and environment. Raises InputError and SpecificationError."""
        return self.domain.specify(self.design.settings, self.environment)

    def load(self) -> Structure:
        """The structure. Raises InputError."""
        return self.domain.load(self.structure, self.environment)

    def changed(self) -> frozenset[str]:
        """The axes on which the design differs from the default one."""
        usual = self.domain.design(self.domain.default).settings
        return frozenset(a for a, v in self.design.settings.items() if usual.get(a) != v)

    def identity(self) -> dict[str, object]:
        """What makes it this model, as JSON values; reports and traces all carry these keys."""
        return {
            "spec": self.domain.name,
            "design": self.design.name,
            "settings": dict(self.design.settings),
            "structure": self.structure,
            "environment": dict(self.environment),
            "versions": versions(),
        }

    def command(self, name: str, *arguments: str) -> str:
        """A command line of the same specification, for a hint on what to run next."""
        selected = ["--spec", self.spec] if self.spec else []
        return " ".join(["sagacheck", name, *selected, *arguments])
